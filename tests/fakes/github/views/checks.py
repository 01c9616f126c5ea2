"""Check runs, suites and annotations as GitHub's API shows them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from tests.fakes.github.checks import CheckRun, Suite
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.views.apps import app
from tests.fakes.github.views.commits import simple_commit
from tests.fakes.github.views.repositories import repository


def check_run(shown: CheckRun, home: Repository) -> dict[str, Any]:
    api = f"{home.world.url}/repos/{home.full_name}"
    url = f"{api}/check-runs/{shown.id}"
    return {
        "id": shown.id,
        "name": shown.name,
        "node_id": f"CR_{shown.id}",
        "head_sha": shown.head_sha,
        "external_id": shown.external_id,
        "url": url,
        "html_url": shown.html_url,
        "details_url": shown.details_url,
        "status": shown.status,
        "conclusion": shown.conclusion,
        "started_at": shown.started_at,
        "completed_at": shown.completed_at,
        "output": {
            "title": shown.title,
            "summary": shown.summary,
            "text": shown.text,
            "annotations_count": len(shown.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": shown.suite.id},
        "app": app(shown.app, home.world),
        "pull_requests": minimal_pulls(home.pulls_of(shown.head_sha), home),
    }


def minimal_pulls(pulls: Iterable[Pull], home: Repository) -> list[dict[str, Any]]:
    api = f"{home.world.url}/repos/{home.full_name}"
    itself = {"id": home.id, "url": api, "name": home.name}
    return [
        {
            "url": f"{api}/pulls/{pull.number}",
            "id": pull.id,
            "number": pull.number,
            "head": {"ref": pull.head_ref, "sha": pull.head, "repo": itself},
            "base": {"ref": pull.base, "sha": home.resolve(f"refs/heads/{pull.base}"), "repo": itself},
        }
        for pull in pulls
    ]


def annotation(shown: dict[str, Any], check: CheckRun, home: Repository) -> dict[str, Any]:
    path = quote(shown["path"])
    return {
        "path": shown["path"],
        "start_line": shown["start_line"],
        "end_line": shown["end_line"],
        "start_column": shown.get("start_column"),
        "end_column": shown.get("end_column"),
        "annotation_level": shown["annotation_level"],
        "title": shown.get("title"),
        "message": shown["message"],
        "raw_details": shown.get("raw_details"),
        "blob_href": f"{home.world.url}/{home.full_name}/blob/{check.head_sha}/{path}",
    }


def suite(shown: Suite, home: Repository) -> dict[str, Any]:
    url = f"{home.world.url}/repos/{home.full_name}/check-suites/{shown.id}"
    checks = [check for check in home.check_runs.values() if check.suite is shown]
    is_completed = bool(checks) and not shown.is_reset and all(check.is_completed for check in checks)
    conclusions = {check.conclusion for check in checks}
    worst = next(
        (word for word in ("failure", "timed_out", "cancelled", "action_required") if word in conclusions),
        "success",
    )
    return {
        "id": shown.id,
        "node_id": f"CS_{shown.id}",
        "head_branch": shown.head_branch,
        "head_sha": shown.head_sha,
        "status": "completed" if is_completed else "queued",
        "conclusion": worst if is_completed else None,
        "url": url,
        "before": shown.before,
        "after": shown.head_sha,
        "pull_requests": minimal_pulls(home.pulls_of(shown.head_sha), home),
        "app": app(shown.app, home.world),
        "repository": repository(home),
        "created_at": shown.created_at,
        "updated_at": shown.created_at,
        "head_commit": simple_commit(home.git.commit(shown.head_sha)),
        "latest_check_runs_count": len(checks),
        "check_runs_url": f"{url}/check-runs",
    }
