"""Check runs over HTTP: who may write them, what a write does, which ones a list shows."""

from typing import Any

import httpx
import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

CHECKS = "/repos/octo/demo/check-runs"
NOTE = {"path": "a b.py", "start_line": 3, "end_line": 3, "annotation_level": "notice", "message": "m"}


def create(http: httpx.Client, demo: Demo, name: str = "review", **body: Any) -> dict[str, Any]:
    answer = http.post(CHECKS, json={"name": name, "head_sha": demo.head, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_check_run_is_created_and_read_again(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    answer = http.post(CHECKS, json={"name": "review", "head_sha": demo.head, "external_id": "e:1"})
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == created["url"]
    assert (created["status"], created["conclusion"], created["completed_at"]) == ("queued", None, None)
    assert created["app"]["slug"] == "github-actions"
    assert created["app"]["id"] == 15368
    assert http.get(created["url"]).json() == created
    assert octo.repository_named("octo/demo").check("review").external_id == "e:1"


def test_a_job_token_does_not_choose_the_link_and_an_app_does(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    app = octo.app("our-bot", {"checks": "write"})
    app.install("octo/demo")
    mine, job = connect(octo, app.token().value), connect(octo)
    link = {"details_url": "https://bot.example/runs/1"}
    replaced, kept = create(job, demo, **link), create(mine, demo, **link)
    assert replaced["details_url"] == replaced["html_url"] == f"{octo.url}/octo/demo/runs/{replaced['id']}"
    assert kept["details_url"] == "https://bot.example/runs/1"
    assert kept["html_url"] == f"{octo.url}/octo/demo/runs/{kept['id']}"
    changed = job.patch(f"{CHECKS}/{replaced['id']}", json={"details_url": "https://bot.example/2"}).json()
    assert changed["details_url"] == replaced["html_url"]
    assert create(mine, demo, "without")["details_url"] == f"{octo.url}/apps/our-bot"


def test_a_conclusion_completes(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    created = create(http, demo, status="in_progress")
    ended = http.patch(f"{CHECKS}/{created['id']}", json={"conclusion": "failure"}).json()
    assert (ended["status"], ended["conclusion"]) == ("completed", "failure")
    assert ended["completed_at"] is not None
    octo.repository_named("octo/demo").check("review").is_("failure")
    assert create(http, demo, conclusion="success")["status"] == "completed"


def test_in_progress_with_a_conclusion_never_completes(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    body = {"name": "review", "head_sha": demo.head, "status": "in_progress", "conclusion": "success"}
    created = connect(octo).post(CHECKS, json=body).json()
    assert (created["status"], created["completed_at"]) == ("in_progress", None)
    with pytest.raises(AssertionError, match="'review' is in_progress, success, not completed, success"):
        octo.repository_named("octo/demo").check("review").is_("success")


def test_a_patch_replaces_the_output_and_appends_annotations(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    output = {"title": "T", "summary": "S", "text": "X", "annotations": [NOTE] * 2}
    created = create(http, demo, output=output)
    changed = http.patch(
        created["url"], json={"output": {"title": "T2", "summary": "S2", "annotations": [NOTE] * 40}}
    ).json()
    assert changed["output"]["title"] == "T2"
    assert changed["output"]["summary"] == "S2"
    assert changed["output"]["text"] is None
    assert changed["output"]["annotations_count"] == 42
    check = octo.repository_named("octo/demo").check("review")
    assert (check.title, check.summary, check.text) == ("T2", "S2", None)
    assert check.annotations == [NOTE] * 42
    assert [sorted(body) for body in check.writes] == [["head_sha", "name", "output"], ["output"]]
    first = http.get(changed["output"]["annotations_url"])
    assert len(first.json()) == 30
    assert first.json()[0]["blob_href"] == f"{octo.url}/octo/demo/blob/{demo.head}/a%20b.py"
    assert len(http.get(first.links["next"]["url"]).json()) == 12


def test_what_a_patch_does_not_name_stays(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    button = {"label": "Retry", "description": "Again", "identifier": "retry"}
    created = create(
        http, demo, external_id="e", output={"title": "T", "summary": "S"}, actions=[button], status="queued"
    )
    changed = http.patch(created["url"], json={"status": "in_progress"}).json()
    assert changed == created | {"status": "in_progress"}
    assert octo.repository_named("octo/demo").check("review").actions == [button]
    assert http.patch(created["url"], json={"name": "renamed"}).json()["name"] == "renamed"


def test_times_come_back_in_utc(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    created = create(
        connect(octo),
        demo,
        started_at="2026-11-01T02:00:00.5+02:00",
        completed_at="2026-11-01T00:00:09Z",
        conclusion="neutral",
    )
    assert created["started_at"] == "2026-11-01T00:00:00Z"
    assert created["completed_at"] == "2026-11-01T00:00:09Z"


def test_completed_is_final_but_for_another_conclusion(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    url = create(http, demo, conclusion="success")["url"]
    for status in ("queued", "in_progress"):
        assert http.patch(url, json={"status": status}).status_code == 422
    again = http.patch(url, json={"status": "completed", "conclusion": "failure"})
    assert again.status_code == 200
    octo.repository_named("octo/demo").check("review").is_("failure")


def test_the_check_run_of_a_job_is_githubs(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    job = octo.repository_named("octo/demo").job_check("build", demo.head, run_id=4242)
    for body in ({"status": "in_progress"}, {"conclusion": "success"}):
        answer = http.patch(f"{CHECKS}/{job.id}", json=body)
        assert answer.status_code == 403
        assert answer.json()["message"] == (
            "Check run status and conclusions can only be updated internally by GitHub Actions"
        )
    assert job.status == "in_progress"
    # Its output is anybody's with `checks: write`.
    assert (
        http.patch(f"{CHECKS}/{job.id}", json={"output": {"title": "T", "summary": "S"}}).status_code == 200
    )
    assert job.title == "T"


def test_only_its_app_changes_a_check_run(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    lint = octo.repository_named("octo/demo").foreign_check(
        "lint", demo.head, app="other-app", external_id="o:1", status="in_progress"
    )
    answer = connect(octo).patch(f"{CHECKS}/{lint.id}", json={"conclusion": "success"})
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("Invalid app_id")
    assert lint.status == "in_progress"
    assert (lint.app_slug, lint.external_id) == ("other-app", "o:1")


@pytest.mark.parametrize("permissions", [{"checks": "read"}, {"contents": "write"}])
def test_a_token_without_the_permission_is_told_which_it_needs(
    permissions: dict[str, str], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo, **permissions)
    answer = http.post(CHECKS, json={"name": "review", "head_sha": demo.head})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert answer.headers["x-accepted-github-permissions"] == "checks=write"
    assert octo.repository_named("octo/demo").checks() == []


def test_a_check_run_that_is_not_there_is_404(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    assert http.get(f"{CHECKS}/1").status_code == 404
    assert http.patch(f"{CHECKS}/1", json={"name": "x"}).status_code == 404
    assert http.get(f"{CHECKS}/1/annotations").status_code == 404
    assert http.get("/repos/octo/demo/check-suites/1").status_code == 404


@pytest.fixture
def listed(octo: FakeGitHub, demo: Demo, connect: Connect) -> dict[str, int]:
    """Check runs by a short name: twice `review` of ours, one of another App, a job, one elsewhere."""
    http = connect(octo)
    repository = octo.repository_named("octo/demo")
    return {
        "job": repository.job_check("build", demo.head, run_id=1).id,
        "old": create(http, demo, conclusion="failure")["id"],
        "other": repository.foreign_check("review", demo.head, app="other-app").id,
        "new": create(http, demo, status="in_progress")["id"],
        "elsewhere": create(http, demo, "elsewhere", head_sha=demo.main)["id"],
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["new", "other", "job"]),
        ("filter=latest", ["new", "other", "job"]),
        ("filter=all", ["new", "other", "old", "job"]),
        ("check_name=review", ["new", "other"]),
        ("app_id=15368", ["new", "job"]),
        ("app_id=15368&check_name=review&filter=all", ["new", "old"]),
        ("status=completed", []),
        ("status=completed&filter=all", ["old"]),
        ("status=queued", ["other"]),
        ("check_name=absent", []),
    ],
)
def test_the_check_runs_of_a_commit(
    query: str, names: list[str], listed: dict[str, int], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    answer = connect(octo).get(f"/repos/octo/demo/commits/{demo.head}/check-runs?{query}").json()
    assert [check["id"] for check in answer["check_runs"]] == [listed[each] for each in names]
    assert answer["total_count"] == len(names)


def test_a_list_by_any_name_of_the_commit(
    listed: dict[str, int], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    for name in ("feature", "heads/feature", "refs/heads/feature", "heads%2Ffeature", demo.head[:9]):
        answer = http.get(f"/repos/octo/demo/commits/{name}/check-runs").json()
        assert answer["check_runs"][0]["id"] == listed["new"]


def test_a_list_for_a_ref_that_is_not_there_is_422(octo: FakeGitHub, connect: Connect) -> None:
    answer = connect(octo).get("/repos/octo/demo/commits/absent/check-runs")
    assert answer.status_code == 422
    assert answer.json()["message"] == "No commit found for SHA: absent"


def test_suites_part_check_runs_by_app(
    listed: dict[str, int], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    suites = http.get(f"/repos/octo/demo/commits/{demo.head}/check-suites").json()
    assert suites["total_count"] == 2
    actions = suites["check_suites"][0]
    assert http.get(actions["url"]).json() == actions
    runs = http.get(actions["check_runs_url"], params={"filter": "all"}).json()["check_runs"]
    assert {run["id"] for run in runs} == {listed["job"], listed["old"], listed["new"]}


def test_a_job_tokens_check_run_goes_into_the_oldest_suite_of_actions(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    repository = octo.repository_named("octo/demo")
    first = repository.workflow_run(1, head_sha=demo.head)
    repository.workflow_run(2, head_sha=demo.head)
    token = octo.job_token("octo/demo", run_id=2, permissions={"checks": "write"})
    assert create(connect(octo, token.value), demo)["check_suite"]["id"] == first.suite_id


def test_the_look_up_by_name_says_what_is_there(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    repository = octo.repository_named("octo/demo")
    with pytest.raises(AssertionError, match=r"0 check runs are named 'review'.*\n  none"):
        repository.check("review")
    http = connect(octo)
    create(http, demo)
    create(http, demo)
    with pytest.raises(AssertionError, match=r"2 check runs are named 'review'"):
        repository.check("review")
    create(http, demo, head_sha=demo.main)
    assert repository.check("review", demo.main).head_sha == demo.main
    assert [check.head_sha for check in repository.checks()] == [demo.head, demo.head, demo.main]
