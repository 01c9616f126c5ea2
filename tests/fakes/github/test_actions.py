"""Workflow runs and jobs."""

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

RUNS = "/repos/octo/demo/actions/runs"


def test_a_workflow_run_goes_on_until_it_is_completed(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    run = octo.repository_named("octo/demo").workflow_run(
        4242, head_sha=demo.head, event="issue_comment", attempt=2
    )
    http = connect(octo, actions="read")
    watcher = octo.app("watcher", {"actions": "read"})
    watcher.install("octo/demo")
    shown = http.get(f"{RUNS}/4242").json()
    assert (shown["id"], shown["status"], shown["conclusion"]) == (4242, "in_progress", None)
    assert (shown["event"], shown["run_attempt"], shown["head_sha"]) == ("issue_comment", 2, demo.head)
    run.complete("cancelled")
    # The job's own token has died with it.
    assert http.get(f"{RUNS}/4242").status_code == 401
    shown = connect(octo, watcher.token().value).get(f"{RUNS}/4242").json()
    assert (shown["status"], shown["conclusion"]) == ("completed", "cancelled")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [3, 2, 1]),
        ("status=completed", [3, 1]),
        ("status=in_progress", [2]),
        ("status=failure", [3]),
        ("status=queued", []),
        ("event=push", [3]),
        ("per_page=1", [3]),
        ("per_page=1&page=3", [1]),
    ],
)
def test_workflow_runs_are_listed(
    query: str, ids: list[int], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    repository = octo.repository_named("octo/demo")
    repository.workflow_run(1, head_sha=demo.head, status="completed", conclusion="success")
    repository.workflow_run(2, head_sha=demo.head)
    repository.workflow_run(3, head_sha=demo.main, status="completed", conclusion="failure", event="push")
    shown = connect(octo).get(f"{RUNS}?{query}").json()
    assert [run["id"] for run in shown["workflow_runs"]] == ids


def test_the_jobs_of_a_run_are_its_check_runs(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    repository = octo.repository_named("octo/demo")
    job = repository.job_check("build", demo.head, run_id=4242)
    repository.job_check("other", demo.head, run_id=4243)
    http = connect(octo)
    (shown,) = http.get(f"{RUNS}/4242/jobs").json()["jobs"]
    assert (shown["id"], shown["name"], shown["run_id"]) == (job.id, "build", 4242)
    assert http.get(shown["check_run_url"]).json()["name"] == "build"
    assert http.get(f"/repos/octo/demo/actions/jobs/{job.id}").json() == shown


def test_a_run_that_is_not_there_is_404(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    check = octo.repository_named("octo/demo").foreign_check("lint", demo.head, app="other-app")
    for path in (f"{RUNS}/1", f"{RUNS}/1/jobs", "/repos/octo/demo/actions/jobs/1"):
        assert http.get(path).status_code == 404
    assert http.get(f"/repos/octo/demo/actions/jobs/{check.id}").status_code == 404


def test_a_job_is_at_the_commit_of_its_run(octo: FakeGitHub, demo: Demo) -> None:
    repository = octo.repository_named("octo/demo")
    repository.workflow_run(4242, head_sha=demo.head)
    with pytest.raises(AssertionError, match="workflow run 4242 is at"):
        repository.job_check("build", demo.main, run_id=4242)
