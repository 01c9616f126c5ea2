"""What Apps are told, as GitHub words it: https://docs.github.com/webhooks/webhook-events-and-payloads."""

from typing import Any, assert_never

from tests.fakes.github.checks import CheckRun, Suite
from tests.fakes.github.comments import Comment
from tests.fakes.github.git import Git
from tests.fakes.github.happenings import Happening, MergeGroup, Push, Release
from tests.fakes.github.installations import Installation
from tests.fakes.github.issues import Issue
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import NOTHING, Repository
from tests.fakes.github.views import apps, checks, pulls
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.comments import comment
from tests.fakes.github.views.commits import simple_commit
from tests.fakes.github.views.issues import issue, label
from tests.fakes.github.views.repositories import repository
from tests.fakes.github.world import World

MAX_COMMITS = 20


def payload(happening: Happening, told: Installation, world: World) -> dict[str, Any]:
    """What the installation's App is told."""
    found: dict[str, Any] = {} if happening.action is None else {"action": happening.action}
    by = world.account(happening.by)
    sender = account(by, world.url)
    if isinstance(happening.subject, Installation):
        return found | _of_installation(happening.subject, happening, world) | {"sender": sender}
    assert happening.home is not None
    home = world.repositories[happening.home.full_name.lower()]
    found |= _of_subject(happening, home)
    found["repository"] = repository(home)
    if world.account(home.owner).type == "Organization":
        found["organization"] = _organization(home)
    return found | {"sender": sender, "installation": {"id": told.id, "node_id": f"I_{told.id}"}}


def _of_subject(happening: Happening, home: Repository) -> dict[str, Any]:
    subject, details = happening.subject, dict(happening.details)
    if "label" in details:
        details["label"] = label(details["label"], home)
    match subject:
        case Comment():
            topic = home.topic(subject.number)
            assert topic is not None
            return {**details, "issue": issue(topic, home), "comment": comment(subject, home)}
        case Issue():
            return {**details, "issue": issue(subject, home)}
        case Pull():
            return {**details, "number": subject.number, "pull_request": pulls.pull(subject, home)}
        case CheckRun():
            return {**details, "check_run": _check_run(subject, home)}
        case Suite():
            return {**details, "check_suite": _suite(subject, home)}
        case Push():
            return _push(subject, happening.by, home)
        case Release():
            return {"release": _release(subject, home)}
        case MergeGroup():
            return {"merge_group": _merge_group(subject, home.git)}
        case Installation():
            raise TypeError("an installation belongs to no repository")
        case _:
            assert_never(subject)


def _check_run(shown: CheckRun, home: Repository) -> dict[str, Any]:
    suite = _suite(shown.suite, home)
    for name in ("latest_check_runs_count", "check_runs_url", "head_commit"):
        del suite[name]
    return {**checks.check_run(shown, home), "check_suite": suite}


def _suite(shown: Suite, home: Repository) -> dict[str, Any]:
    """Without the repository, which stands beside it."""
    suite = checks.suite(shown, home)
    del suite["repository"]
    return suite


def _push(shown: Push, by: str, home: Repository) -> dict[str, Any]:
    git, is_new = home.git, shown.before == NOTHING
    found = git.commits(shown.after, *([] if is_new else [f"^{shown.before}"]), limit=MAX_COMMITS)
    is_forced = not is_new and git.merge_base(shown.before, shown.after) != shown.before
    commits = [_pushed_commit(each.sha, home) for each in reversed(found)]
    page = f"{home.world.url}/{home.full_name}"
    return {
        "ref": f"refs/heads/{shown.branch}",
        "before": shown.before,
        "after": shown.after,
        "created": is_new,
        "deleted": False,
        "forced": is_forced,
        "base_ref": None,
        "compare": f"{page}/compare/{shown.before[:12]}...{shown.after[:12]}",
        "commits": commits,
        "head_commit": _pushed_commit(shown.after, home),
        "pusher": {"name": by, "email": f"{by}@users.noreply.github.com"},
    }


def _pushed_commit(sha: str, home: Repository) -> dict[str, Any]:
    """A commit with the names of what it changed against its first parent."""
    found = home.git.commit(sha)
    changes = home.git.changes(found.parents[0], sha) if found.parents else []
    named = {
        status: [change.path for change in changes if change.status == status]
        for status in ("added", "removed", "modified")
    }
    return {
        **simple_commit(found),
        "distinct": True,
        "url": f"{home.world.url}/{home.full_name}/commit/{sha}",
        **named,
    }


def _release(shown: Release, home: Repository) -> dict[str, Any]:
    api = f"{home.world.url}/repos/{home.full_name}"
    url = f"{api}/releases/{shown.id}"
    return {
        "id": shown.id,
        "node_id": f"RE_{shown.id}",
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "html_url": f"{home.world.url}/{home.full_name}/releases/tag/{shown.tag}",
        "tag_name": shown.tag,
        "target_commitish": home.default_branch,
        "name": shown.title,
        "body": shown.body,
        "draft": shown.is_draft,
        "prerelease": shown.is_prerelease,
        "author": account(home.world.account(shown.author), home.world.url),
        "created_at": shown.at,
        "published_at": shown.at,
        "assets": [],
        "tarball_url": f"{api}/tarball/{shown.tag}",
        "zipball_url": f"{api}/zipball/{shown.tag}",
    }


def _merge_group(shown: MergeGroup, git: Git) -> dict[str, Any]:
    return {
        "head_sha": shown.head_sha,
        "head_ref": shown.head_ref,
        "base_sha": shown.base_sha,
        "base_ref": shown.base_ref,
        "head_commit": simple_commit(git.commit(shown.head_sha)),
    }


def _of_installation(shown: Installation, happening: Happening, world: World) -> dict[str, Any]:
    found: dict[str, Any] = {"installation": apps.installation(shown, world)}
    if happening.event == "installation":
        return found | {"repositories": _short(shown.repositories, world)}
    return found | {
        "repository_selection": "selected",
        "repositories_added": _short(happening.details["added"], world),
        "repositories_removed": _short(happening.details["removed"], world),
        "requester": None,
    }


def _short(names: Any, world: World) -> list[dict[str, Any]]:
    found = [world.repositories[name] for name in sorted(names) if name in world.repositories]
    return [
        {
            "id": each.id,
            "node_id": f"R_{each.id}",
            "name": each.name,
            "full_name": each.full_name,
            "private": each.is_private,
        }
        for each in found
    ]


def _organization(home: Repository) -> dict[str, Any]:
    owner = account(home.world.account(home.owner), home.world.url)
    api = f"{home.world.url}/orgs/{home.owner}"
    return {
        **{name: owner[name] for name in ("login", "id", "node_id", "avatar_url")},
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "description": None,
    }
