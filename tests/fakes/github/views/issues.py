"""Issues and labels as GitHub's API shows them; to it, a pull request is an issue, too."""

from typing import Any
from urllib.parse import quote

from tests.fakes.github.issues import Issue, Label
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.comments import rollup


def issue(shown: Issue | Pull, home: Repository) -> dict[str, Any]:
    world = home.world
    api = f"{world.url}/repos/{home.full_name}"
    url = f"{api}/issues/{shown.number}"
    kind = "pull" if isinstance(shown, Pull) else "issues"
    found: dict[str, Any] = {
        "id": shown.id,
        "node_id": f"I_{shown.id}",
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": f"{world.url}/{home.full_name}/{kind}/{shown.number}",
        "number": shown.number,
        "title": shown.title,
        "user": account(world.account(shown.author), world.url),
        "labels": [label(each, home) for each in shown.labels],
        "state": shown.state,
        "state_reason": None,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(shown.comments),
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
        "closed_at": shown.closed_at,
        "author_association": "NONE",
        "active_lock_reason": None,
        "body": shown.body,
        "reactions": rollup([], url),
        "performed_via_github_app": None,
    }
    if isinstance(shown, Pull):
        page = found["html_url"]
        found["draft"] = shown.is_draft
        found["pull_request"] = {
            "url": f"{api}/pulls/{shown.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": shown.closed_at if shown.is_merged else None,
        }
    return found


def label(shown: Label, home: Repository) -> dict[str, Any]:
    return {
        "id": shown.id,
        "node_id": f"LA_{shown.id}",
        "url": f"{home.world.url}/repos/{home.full_name}/labels/{quote(shown.name)}",
        "name": shown.name,
        "description": None,
        "color": shown.color,
        "default": False,
    }
