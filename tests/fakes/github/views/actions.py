"""Workflow runs and jobs as GitHub's API shows them."""

from typing import Any

from tests.fakes.github.checks import CheckRun
from tests.fakes.github.repository import Repository
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.checks import minimal_pulls
from tests.fakes.github.views.commits import simple_commit
from tests.fakes.github.views.repositories import repository
from tests.fakes.github.workflow_runs import WorkflowRun

WORKFLOW_ID = 1001


def workflow_run(shown: WorkflowRun, home: Repository) -> dict[str, Any]:
    world = home.world
    api = f"{world.url}/repos/{home.full_name}"
    url = f"{api}/actions/runs/{shown.id}"
    actor = account(world.account(shown.actor), world.url)
    return {
        "id": shown.id,
        "name": shown.name,
        "node_id": f"WFR_{shown.id}",
        "head_branch": shown.head_branch,
        "head_sha": shown.head_sha,
        "path": shown.path,
        "display_title": shown.name,
        "run_number": shown.number,
        "run_attempt": shown.attempt,
        "event": shown.event,
        "status": shown.status,
        "conclusion": shown.conclusion,
        "workflow_id": WORKFLOW_ID,
        "check_suite_id": shown.suite_id,
        "check_suite_node_id": f"CS_{shown.suite_id}",
        "url": url,
        "html_url": f"{world.url}/{home.full_name}/actions/runs/{shown.id}",
        "pull_requests": minimal_pulls(home.pulls_of(shown.head_sha), home),
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
        "run_started_at": shown.created_at,
        "actor": actor,
        "triggering_actor": actor,
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api}/check-suites/{shown.suite_id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{api}/actions/workflows/{WORKFLOW_ID}",
        "head_commit": simple_commit(home.git.commit(shown.head_sha)),
        "repository": repository(home),
        "head_repository": repository(home),
    }


def job(shown: CheckRun, run: WorkflowRun, home: Repository) -> dict[str, Any]:
    """A job is its check run, under the same id."""
    api = f"{home.world.url}/repos/{home.full_name}"
    return {
        "id": shown.id,
        "run_id": run.id,
        "run_url": f"{api}/actions/runs/{run.id}",
        "run_attempt": run.attempt,
        "node_id": f"CR_{shown.id}",
        "head_sha": shown.head_sha,
        "url": f"{api}/actions/jobs/{shown.id}",
        "html_url": shown.html_url,
        "status": shown.status,
        "conclusion": shown.conclusion,
        "created_at": shown.started_at,
        "started_at": shown.started_at,
        "completed_at": shown.completed_at,
        "name": shown.name,
        "steps": [],
        "check_run_url": f"{api}/check-runs/{shown.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": None,
        "runner_name": None,
        "runner_group_id": None,
        "runner_group_name": None,
        "workflow_name": run.name,
        "head_branch": run.head_branch,
    }
