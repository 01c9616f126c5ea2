"""Pull requests as GitHub's API shows them."""

from typing import Any

from tests.fakes.github.git import EMPTY_TREE
from tests.fakes.github.pulls import Gone, Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.commits import stats
from tests.fakes.github.views.issues import label
from tests.fakes.github.views.repositories import repository


def simple_pull(shown: Pull, home: Repository) -> dict[str, Any]:
    """As it stands in lists."""
    world = home.world
    api = f"{world.url}/repos/{home.full_name}"
    url = f"{api}/pulls/{shown.number}"
    page = f"{world.url}/{home.full_name}/pull/{shown.number}"
    links = {
        "self": url,
        "html": page,
        "issue": f"{api}/issues/{shown.number}",
        "comments": f"{api}/issues/{shown.number}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{shown.head}",
    }
    return {
        "url": url,
        "id": shown.id,
        "node_id": f"PR_{shown.id}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        **{f"{name}_url": href for name, href in links.items() if name not in {"self", "html"}},
        "number": shown.number,
        "state": shown.state,
        "locked": False,
        "title": shown.title,
        "user": account(world.account(shown.author), world.url),
        "body": shown.body,
        "labels": [label(each, home) for each in shown.labels],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
        "closed_at": shown.closed_at,
        "merged_at": shown.closed_at if shown.is_merged else None,
        "merge_commit_sha": shown.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _head(shown, home),
        "base": _side(home, shown.base, home.resolve(f"refs/heads/{shown.base}") or shown.head),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": "NONE",
        "auto_merge": None,
        "draft": shown.is_draft,
    }


def pull(shown: Pull, home: Repository) -> dict[str, Any]:
    base = base_of(shown, home)
    changes = home.git.changes(base, shown.head)
    counted = stats(changes)
    return {
        **simple_pull(shown, home),
        "merged": shown.is_merged,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "comments": len(shown.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": home.git.count(shown.head, *([] if base == EMPTY_TREE else [f"^{base}"])),
        "additions": counted["additions"],
        "deletions": counted["deletions"],
        "changed_files": len(changes),
    }


def base_of(shown: Pull, home: Repository) -> str:
    """Where a pull request left its base; the empty tree if they have no commit in common."""
    tip = home.resolve(f"refs/heads/{shown.base}")
    return (tip and home.git.merge_base(tip, shown.head)) or EMPTY_TREE


def _head(shown: Pull, home: Repository) -> dict[str, Any]:
    if shown.fork is None:
        return _side(home, shown.head_ref, shown.head)
    if isinstance(shown.fork, Gone):
        return {
            "label": f"unknown:{shown.head_ref}",
            "ref": shown.head_ref,
            "sha": shown.head,
            "user": account(home.world.account(shown.author), home.world.url),
            "repo": None,
        }
    return _side(home.world.repositories[shown.fork.lower()], shown.head_ref, shown.head)


def _side(home: Repository, ref: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{home.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": account(home.world.account(home.owner), home.world.url),
        "repo": repository(home),
    }
