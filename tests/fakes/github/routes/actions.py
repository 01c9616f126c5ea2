"""Workflow runs and their jobs."""

from tests.fakes.github.access import read
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import actions as views
from tests.fakes.github.workflow_runs import WorkflowRun


def listed(exchange: Exchange) -> Answer:
    query = exchange.query
    found = [
        run
        for run in exchange.repository.workflow_runs.values()
        if query.get("status") in {None, run.status, run.conclusion}
        and query.get("event") in {None, run.event}
        and query.get("head_sha") in {None, run.head_sha}
        and query.get("branch") in {None, run.head_branch}
        and query.get("actor") in {None, run.actor}
    ]
    page, headers = exchange.page(found[::-1])
    shown = [views.workflow_run(run, exchange.repository) for run in page]
    return Answer(200, {"total_count": len(found), "workflow_runs": shown}, headers)


def show(exchange: Exchange) -> Answer:
    return Answer(200, views.workflow_run(_run(exchange, "run_id"), exchange.repository))


def jobs(exchange: Exchange) -> Answer:
    run = _run(exchange, "run_id")
    found = [check for check in exchange.repository.check_runs.values() if check.job_of == run.id]
    page, headers = exchange.page(found)
    shown = [views.job(check, run, exchange.repository) for check in page]
    return Answer(200, {"total_count": len(found), "jobs": shown}, headers)


def job(exchange: Exchange) -> Answer:
    check = exchange.repository.check_runs.get(exchange.number("job_id"))
    if check is None or check.job_of is None:
        raise not_found()
    return Answer(200, views.job(check, exchange.repository.workflow_runs[check.job_of], exchange.repository))


def _run(exchange: Exchange, parameter: str) -> WorkflowRun:
    run = exchange.repository.workflow_runs.get(exchange.number(parameter))
    if run is None:
        raise not_found()
    return run


ACTIONS = "/repos/{owner}/{repo}/actions"
ROUTES = (
    Route("GET", f"{ACTIONS}/runs", read("actions"), listed),
    Route("GET", f"{ACTIONS}/runs/{{run_id}}", read("actions"), show),
    Route("GET", f"{ACTIONS}/runs/{{run_id}}/jobs", read("actions"), jobs),
    Route("GET", f"{ACTIONS}/jobs/{{job_id}}", read("actions"), job),
)
