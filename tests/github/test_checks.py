"""Whatever is lost on the way: one check run, ours, with one end and no annotation twice; nobody else's is touched."""

import functools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from automation.external_id import ExternalId
from automation.github import AppTokens, GitHub, GitHubRefuses, GitHubUnavailable, GivenToken, client
from automation.github.check_output import ANNOTATIONS_PER_CALL, MAX_ANNOTATIONS
from automation.github.check_run import Button, CheckRun, NewCheck
from automation.github.checks import Checks, Concluded
from automation.reasons import Conclusion
from automation.report import Report
from automation.report.fitting import LIMIT
from automation.result import Annotation, AnnotationLevel
from tests.fakes.github import checks as fake_checks
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout

RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
EXTERNAL_ID = f"action:4242:{RUN}:1:1800000000"
REPORT = Report("Running …", "Running. Automation `guard`", "```text\nhello\n```")
END = Report("Failure: exit code 3", "**Failure**", "```text\nbye\n```")
JOB_APP = 15368
LOST: list[dict[str, Any]] = [
    {"status": 502, "after_effect": True},
    {"drop": True, "after_effect": True},
    {"delay": 1.2, "after_effect": True},
]
HOW = ["an error", "no answer", "silence"]


@pytest.fixture
def repository(github: FakeGitHub, checkout: Checkout) -> Repository:
    return github.repository("octo/demo", checkout.path)


@pytest.fixture
def sha(repository: Repository) -> str:
    return repository.resolve("main") or ""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))


@pytest.fixture
async def hub(github: FakeGitHub, repository: Repository) -> AsyncIterator[GitHub]:
    token = github.job_token("octo/demo", run_id=4242, permissions={"checks": "write", "contents": "read"})
    hub = GitHub(github.url, "octo/demo", GivenToken(token.value), timeout=1)
    yield hub
    hub.close()


@pytest.fixture
def checks(hub: GitHub) -> Checks:
    return Checks(hub)


@pytest.fixture
def new(sha: str) -> NewCheck:
    return NewCheck("guard", sha, EXTERNAL_ID, "https://github.com/octo/demo/actions/runs/4242")


def annotations(count: int) -> list[Annotation]:
    return [
        Annotation(path="a.py", start_line=number, message=f"m{number}") for number in range(1, count + 1)
    ]


def lines(check: fake_checks.CheckRun) -> list[int]:
    return [shown["start_line"] for shown in check.annotations]


def methods(github: FakeGitHub) -> list[str]:
    return [request.method for request in github.requests]


async def test_it_is_created_in_progress(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    opened = await checks.open(new, REPORT)
    check = repository.check("guard")
    assert opened == CheckRun(
        id=check.id,
        name="guard",
        head_sha=new.head_sha,
        status="in_progress",
        external_id=EXTERNAL_ID,
        url=check.html_url,
        app_id=JOB_APP,
        app_slug="github-actions",
        summary=REPORT.summary,
    )
    assert opened.keys == ExternalId.parse(EXTERNAL_ID)
    assert (check.status, check.conclusion) == ("in_progress", None)
    assert (check.title, check.summary, check.text) == (REPORT.title, REPORT.summary, REPORT.text)
    assert abs(time.time() - datetime.fromisoformat(check.started_at).timestamp()) < 60
    assert methods(github) == ["POST"]


@pytest.mark.parametrize(
    ("fault", "app_id"),
    [*((fault, 0) for fault in LOST), (LOST[0], JOB_APP)],
    ids=[*HOW, "an error, and our App is known"],
)
async def test_a_lost_answer_makes_no_second_one(
    hub: GitHub, repository: Repository, github: FakeGitHub, new: NewCheck, fault: dict[str, Any], app_id: int
) -> None:
    github.fault("POST", "/check-runs$", **fault)
    opened = await Checks(hub, app_id).open(new, REPORT)
    assert [check.id for check in repository.checks()] == [opened.id]
    assert methods(github) == ["POST", "GET"]


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}], ids=HOW[:2])
async def test_what_did_not_happen_is_done_again(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, fault: dict[str, Any]
) -> None:
    github.fault("POST", "/check-runs$", **fault)
    await checks.open(new, REPORT)
    assert len(repository.checks()) == 1
    assert methods(github) == ["POST", "GET", "POST"]


async def test_nothing_is_created_before_the_list_could_be_read(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    github.fault("POST", "/check-runs$", status=502, after_effect=True)
    github.fault("GET", "/check-runs$", status=502, times=3)
    await checks.open(new, REPORT)
    assert len(repository.checks()) == 1
    assert methods(github) == ["POST", "GET", "GET", "GET", "GET"]


async def test_one_that_may_be_there_is_looked_for_first(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    first = await checks.open(new, REPORT)
    assert await checks.open(new, REPORT, looks=True) == first
    assert len(repository.checks()) == 1
    assert methods(github) == ["POST", "GET"]


async def test_one_that_is_not_there_is_created_after_the_look(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    await checks.open(new, REPORT, looks=True)
    assert len(repository.checks()) == 1
    assert methods(github) == ["GET", "POST"]


def others(repository: Repository, sha: str) -> list[fake_checks.CheckRun]:
    """Check runs of the same name on the same commit, none of them ours."""
    return [
        repository.foreign_check("guard", sha, app="other-app", external_id="4711", status="in_progress"),
        repository.foreign_check("guard", sha, app="third-app"),
        repository.job_check("guard", sha, run_id=4242),
    ]


@pytest.mark.parametrize("app_id", [0, JOB_APP], ids=["any App", "ours"])
async def test_a_name_is_nobodys(
    hub: GitHub, repository: Repository, github: FakeGitHub, new: NewCheck, app_id: int
) -> None:
    there = others(repository, new.head_sha)
    before = [list(check.writes) for check in there]
    checks = Checks(hub, app_id)
    assert await checks.find(new.head_sha, EXTERNAL_ID) is None
    github.fault("POST", "/check-runs$", status=502, after_effect=True)
    opened = await checks.open(new, REPORT)
    assert opened.id not in {check.id for check in there}
    assert (await checks.conclude(opened.id, Conclusion.SUCCESS, END)).is_ours
    assert [check.writes for check in there] == before
    assert all(check.status != "completed" for check in there)


def copied(repository: Repository, sha: str) -> fake_checks.CheckRun:
    """Another App's check run that says of itself what ours says."""
    return repository.foreign_check("guard", sha, app="other-app", external_id=EXTERNAL_ID)


@pytest.mark.parametrize("app_id", [0, JOB_APP], ids=["any App", "ours"])
async def test_an_external_id_that_another_app_has_copied_is_not_ours(
    hub: GitHub, repository: Repository, new: NewCheck, app_id: int
) -> None:
    opened = await Checks(hub).open(new, REPORT)
    copy = copied(repository, new.head_sha)
    checks = Checks(hub, app_id)
    assert await checks.find(new.head_sha, EXTERNAL_ID) == opened
    assert await checks.open(new, REPORT, looks=True) == opened
    assert (copy.status, len(copy.writes)) == ("queued", 1)


async def test_one_that_another_app_has_foreseen_is_not_ours_either(
    hub: GitHub, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    copy = copied(repository, new.head_sha)
    checks = Checks(hub, JOB_APP)
    assert await checks.find(new.head_sha, EXTERNAL_ID) is None
    github.fault("POST", "/check-runs$", status=502, after_effect=True)
    opened = await checks.open(new, REPORT)
    assert opened.app_id == JOB_APP
    assert (copy.status, len(copy.writes)) == ("queued", 1)


async def test_older_ones_of_the_name_are_seen_too(checks: Checks, new: NewCheck, sha: str) -> None:
    first = await checks.open(new, REPORT)
    await checks.open(NewCheck("guard", sha, EXTERNAL_ID.replace(":1:", ":2:"), new.details_url), REPORT)
    assert await checks.find(sha, EXTERNAL_ID) == first


async def test_a_long_list_is_read_to_its_end(
    checks: Checks, repository: Repository, new: NewCheck, sha: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PER_PAGE", 3)
    first = await checks.open(new, REPORT)
    for number in range(7):
        repository.foreign_check(f"lint {number}", sha, app="other-app")
    assert await Checks(checks._github).find(sha, EXTERNAL_ID) == first


async def test_the_check_runs_of_a_commit_can_be_chosen_by_state(
    checks: Checks, new: NewCheck, sha: str
) -> None:
    opened = await checks.open(new, REPORT)
    assert await checks.on(sha, status="in_progress") == [opened]
    await checks.conclude(opened.id, Conclusion.SUCCESS, END)
    assert await checks.on(sha, status="in_progress") == []
    assert [check.is_completed for check in await checks.on(sha)] == [True]


async def test_what_it_shows_is_replaced_and_its_state_is_not(
    checks: Checks, repository: Repository, new: NewCheck
) -> None:
    opened = await checks.open(new, REPORT)
    await checks.show(opened.id, Report("t", "s", ""))
    check = repository.check("guard")
    assert (check.title, check.summary, check.text, check.status) == ("t", "s", "", "in_progress")
    assert check.writes[-1] == {"output": {"title": "t", "summary": "s", "text": ""}}


async def test_one_that_waits_is_queued_until_its_turn_has_come(
    checks: Checks, repository: Repository, new: NewCheck
) -> None:
    opened = await checks.open(replace(new, is_queued=True), REPORT)
    check = repository.check("guard")
    assert (opened.status, check.status) == ("queued", "queued")
    assert "started_at" not in check.writes[0]
    await checks.start(opened.id, Report("t", "s", ""))
    assert (check.status, check.title) == ("in_progress", "t")
    assert abs(time.time() - datetime.fromisoformat(check.started_at).timestamp()) < 60


async def test_a_start_is_tried_once(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    opened = await checks.open(replace(new, is_queued=True), REPORT)
    github.fault("PATCH", "/check-runs/", status=502)
    with pytest.raises(GitHubUnavailable):
        await checks.start(opened.id, REPORT)
    assert methods(github) == ["POST", "PATCH"]
    assert repository.check("guard").status == "queued"


async def test_its_end_may_have_buttons(checks: Checks, repository: Repository, new: NewCheck) -> None:
    opened = await checks.open(new, REPORT)
    buttons = [Button("Retry", "Run it again", "retry"), Button("Approve", "Run it on a fork", "approve")]
    await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(60), buttons=buttons)
    check = repository.check("guard").is_("failure")
    assert check.buttons == ["retry", "approve"]
    assert check.actions[0] == {"label": "Retry", "description": "Run it again", "identifier": "retry"}


async def test_without_buttons_nothing_is_said_of_them(
    checks: Checks, repository: Repository, new: NewCheck
) -> None:
    opened = await checks.open(new, REPORT)
    await checks.conclude(opened.id, Conclusion.SUCCESS, END)
    assert all("actions" not in write for write in repository.check("guard").writes)


async def test_a_late_edit_cannot_reopen_it(checks: Checks, repository: Repository, new: NewCheck) -> None:
    opened = await checks.open(new, REPORT)
    await checks.conclude(opened.id, Conclusion.TIMED_OUT, END)
    await checks.show(opened.id, REPORT)
    repository.check("guard").is_("timed_out")


@pytest.mark.parametrize("conclusion", Conclusion)
@pytest.mark.parametrize("looks", [True, False])
async def test_it_is_concluded(
    checks: Checks,
    repository: Repository,
    github: FakeGitHub,
    new: NewCheck,
    conclusion: Conclusion,
    looks: bool,
) -> None:
    opened = await checks.open(new, REPORT)
    assert (await checks.conclude(opened.id, conclusion, END, looks=looks)).is_ours
    check = repository.check("guard").is_(conclusion)
    assert (check.title, check.summary, check.text) == (END.title, END.summary, END.text)
    assert check.completed_at
    assert methods(github) == ["POST", *(["GET"] if looks else []), "PATCH"]


async def test_one_that_somebody_has_completed_is_left_as_it_is(
    checks: Checks, repository: Repository, new: NewCheck
) -> None:
    opened = await checks.open(new, REPORT)
    check = repository.check("guard")
    by_hand = {"conclusion": "neutral", "output": {"title": "by hand", "summary": "so"}}
    repository.change_check(check, by_hand, check.app)
    done = await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(60))
    assert done == Concluded(is_ours=False)
    check.is_("neutral")
    assert check.writes[-1] == by_hand
    assert check.annotations == []


async def test_concluding_twice_writes_once(checks: Checks, repository: Repository, new: NewCheck) -> None:
    opened = await checks.open(new, REPORT)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(3))).is_ours
    assert not (await checks.conclude(opened.id, Conclusion.SUCCESS, REPORT, annotations(3))).is_ours
    assert lines(repository.check("guard").is_("failure")) == [1, 2, 3]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 120, 500])
async def test_all_annotations_arrive_once_and_the_first_with_the_end(
    checks: Checks, repository: Repository, new: NewCheck, count: int
) -> None:
    opened = await checks.open(new, REPORT)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(count))).is_ours
    check = repository.check("guard").is_("failure")
    assert lines(check) == list(range(1, count + 1))
    [_, first, *rest] = check.writes
    assert first["status"] == "completed"
    assert all(set(write) == {"output"} for write in rest)
    assert len(rest) == max(-(-count // ANNOTATIONS_PER_CALL) - 1, 0)
    for write in (first, *rest):
        assert (write["output"]["title"], write["output"]["summary"], write["output"]["text"]) == (
            END.title,
            END.summary,
            END.text,
        )


async def test_there_is_a_most_of_annotations(checks: Checks, repository: Repository, new: NewCheck) -> None:
    opened = await checks.open(new, REPORT)
    done = await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(600))
    assert done == Concluded(is_ours=True, left_out=100)
    assert lines(repository.check("guard")) == list(range(1, MAX_ANNOTATIONS + 1))


@pytest.mark.parametrize("count", [3, 120])
@pytest.mark.parametrize("looks", [True, False])
async def test_annotations_that_github_refuses_do_not_cost_the_end(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, count: int, looks: bool
) -> None:
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "", status=422, body={"message": "Invalid request. start_line is too large"})
    done = await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(count), looks=looks)
    assert done == Concluded(is_ours=True, left_out=count)
    check = repository.check("guard").is_("failure")
    assert (check.annotations, check.text) == ([], END.text)


@pytest.mark.parametrize("count", [0, 3])
async def test_a_report_that_github_refuses_does_not_cost_the_end(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, count: int
) -> None:
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "", status=422, times=2 if count else 1)
    end = Report(END.title, "**Failure**: so it was.\n\nWhat the automation wrote", "and printed")
    done = await checks.conclude(opened.id, Conclusion.FAILURE, end, annotations(count))
    assert done == Concluded(is_ours=True, left_out=count)
    check = repository.check("guard").is_("failure")
    assert (check.title, check.summary, check.text) == (END.title, "**Failure**: so it was.", "")


@pytest.mark.parametrize("count", [0, 3])
async def test_an_end_that_github_refuses_is_not_called_one(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, count: int
) -> None:
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "", status=422, times=None)
    with pytest.raises(GitHubRefuses):
        await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(count))
    assert methods(github).count("PATCH") <= 3
    assert repository.check("guard").status == "in_progress"


@pytest.mark.parametrize("status", [403, 422, 503])
async def test_later_annotations_that_cannot_be_added_do_not_cost_the_end_either(
    hub: GitHub, repository: Repository, github: FakeGitHub, new: NewCheck, status: int
) -> None:
    hub.patience = 0.05
    checks = Checks(hub)
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "", times=1)
    github.fault("PATCH", "", status=status, times=None)
    done = await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(120))
    assert done == Concluded(is_ours=True, left_out=70)
    assert lines(repository.check("guard").is_("failure")) == list(range(1, 51))


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_a_lost_answer_of_any_part_of_the_end_sends_no_annotation_twice(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, count: int, lost: int
) -> None:
    opened = await checks.open(new, REPORT)
    if lost > 1:
        github.fault("PATCH", "/check-runs/", times=lost - 1)
    github.fault("PATCH", "/check-runs/", status=502, after_effect=True)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(count))).is_ours
    assert lines(repository.check("guard").is_("failure")) == list(range(1, count + 1))


@pytest.mark.parametrize("fault", LOST, ids=HOW)
async def test_however_the_answer_was_lost(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, fault: dict[str, Any]
) -> None:
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "/check-runs/", **fault)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(60))).is_ours
    assert lines(repository.check("guard").is_("failure")) == list(range(1, 61))


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}], ids=HOW[:2])
async def test_an_end_that_did_not_arrive_is_written_again(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, fault: dict[str, Any]
) -> None:
    opened = await checks.open(new, REPORT)
    github.fault("PATCH", "/check-runs/", **fault)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(60))).is_ours
    assert lines(repository.check("guard").is_("failure")) == list(range(1, 61))


async def test_trouble_everywhere_is_survived(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    """Every request fails once before, and once after it has done its part."""
    for method, path in (("POST", ""), ("GET", ""), *[("PATCH", "")] * 3):
        github.fault(method, path, status=503)
        github.fault(method, path, status=502, after_effect=True)
    opened = await checks.open(new, REPORT)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(120))).is_ours
    assert [check.id for check in repository.checks()] == [opened.id]
    assert lines(repository.check("guard").is_("failure")) == list(range(1, 121))


async def test_a_limit_is_obeyed_before_anything_else_is_asked(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck
) -> None:
    said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    github.fault("POST", "", status=403, headers={"retry-after": "1"}, body={"message": said})
    opened = await checks.open(new, REPORT)
    assert repository.check("guard").id == opened.id
    first, *later = github.requests
    assert [request.method for request in later] == ["GET", "POST"]
    assert later[0].at - first.at >= 1


async def test_an_apps_check_run_is_the_apps_own(
    github: FakeGitHub, repository: Repository, new: NewCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_key = functools.cache(load_pem_private_key)
    monkeypatch.setattr("jwt.algorithms.load_pem_private_key", read_key)
    monkeypatch.setattr("tests.fakes.github.credentials.load_pem_private_key", read_key)
    app = github.app("automation-bot", {"checks": "write", "contents": "read"})
    app.install("octo/demo")
    others(repository, new.head_sha)
    hub = GitHub(github.url, "octo/demo", AppTokens(str(app.id), app.private_key), timeout=1)
    checks = Checks(hub)
    opened = await checks.open(new, REPORT)
    assert (opened.app_id, opened.app_slug) == (app.id, "automation-bot")
    for token in github.world.tokens.values():
        token.expire()
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, annotations(60))).is_ours
    hub.close()
    [check] = [check for check in repository.checks() if check.app_slug == "automation-bot"]
    assert lines(check.is_("failure")) == list(range(1, 61))
    assert check.details_url == new.details_url
    assert sum(request.path.endswith("/access_tokens") for request in github.requests) == 2


async def test_a_token_that_may_only_read_is_refused_by_the_permissions_name(
    github: FakeGitHub, repository: Repository, new: NewCheck
) -> None:
    token = github.job_token("octo/demo", run_id=1, permissions={"checks": "read", "contents": "read"})
    hub = GitHub(github.url, "octo/demo", GivenToken(token.value))
    with pytest.raises(GitHubRefuses, match=r"needed are the permissions checks=write") as refusal:
        await Checks(hub).open(new, REPORT)
    hub.close()
    assert refusal.value.status == 403
    assert repository.checks() == []
    assert methods(github) == ["POST"]


async def test_the_check_run_of_a_job_cannot_be_concluded(
    checks: Checks, repository: Repository, sha: str
) -> None:
    job = repository.job_check("build", sha, run_id=4242)
    with pytest.raises(GitHubRefuses, match="can only be updated internally by GitHub Actions"):
        await checks.conclude(job.id, Conclusion.SUCCESS, END)
    assert job.status == "in_progress"


async def test_a_commit_that_is_not_there(checks: Checks, new: NewCheck) -> None:
    with pytest.raises(GitHubRefuses, match="No commit found for SHA") as refusal:
        await checks.open(NewCheck("guard", "d" * 40, EXTERNAL_ID, new.details_url), REPORT)
    assert refusal.value.status == 422


async def test_a_report_at_its_limits_is_taken_whole(
    checks: Checks, repository: Repository, new: NewCheck
) -> None:
    letters, bugs = "ä" * (LIMIT // 2), "\N{BUG}" * (LIMIT // 4)
    opened = await checks.open(new, Report("x" * 255, letters, bugs))
    check = repository.check("guard")
    assert (check.summary, check.text) == (letters, bugs)
    await checks.conclude(opened.id, Conclusion.SUCCESS, Report("x", bugs, letters))
    assert (check.summary, check.text) == (bugs, letters)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ({}, {}),
        ({"end_line": 9}, {"end_line": 9}),
        ({"start_column": 2}, {"start_column": 2}),
        ({"end_line": 3, "start_column": 2, "end_column": 5}, {"start_column": 2, "end_column": 5}),
        ({"end_line": 4, "start_column": 2, "end_column": 5}, {"end_line": 4}),
        ({"annotation_level": AnnotationLevel.FAILURE}, {"annotation_level": "failure"}),
        ({"annotation_level": AnnotationLevel.NOTICE}, {"annotation_level": "notice"}),
        ({"title": "", "raw_details": ""}, {}),
        ({"title": "t", "raw_details": "r"}, {"title": "t", "raw_details": "r"}),
        ({"title": "t" * 256}, {"title": "t" * 255}),
        ({"title": "ä" * 255}, {"title": "ä" * 127}),
        ({"message": "m" * 65_536}, {"message": "m" * 65_536}),
        ({"message": "m" * 65_537}, {"message": "m" * 65_536}),
        ({"message": "\N{BUG}" * 20_000}, {"message": "\N{BUG}" * 16_384}),
        ({"raw_details": "\N{BUG}" * 20_000}, {"raw_details": "\N{BUG}" * 16_384}),
        ({"path": "größe & more?.md"}, {"path": "größe & more?.md"}),
        ({"message": "a\r\nb"}, {"message": "a\r\nb"}),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_annotations_are_what_github_takes(
    checks: Checks,
    repository: Repository,
    new: NewCheck,
    annotation: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    given = Annotation.model_validate({"path": "a.py", "start_line": 3, "message": "m"} | annotation)
    opened = await checks.open(new, REPORT)
    assert (await checks.conclude(opened.id, Conclusion.FAILURE, END, [given])).is_ours
    [shown] = repository.check("guard").is_("failure").annotations
    plain = {"path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "warning", "message": "m"}
    assert shown == plain | expected


NONSENSE = ["<html>Log in</html>", "", "[]", "{}", "null", '"text"', '{"id": "x"}', '{"id": 1, "name": "x"}']


@pytest.mark.parametrize("body", NONSENSE)
async def test_an_answer_of_another_form_is_none(
    hub: GitHub, repository: Repository, github: FakeGitHub, new: NewCheck, body: str
) -> None:
    impatient = GitHub(hub.api_url, "octo/demo", hub.tokens, patience=0)
    checks = Checks(impatient)
    github.fault("POST", "", status=201, body=body)
    with pytest.raises(GitHubUnavailable):
        await checks.open(new, REPORT)
    for question in (checks.find(new.head_sha, EXTERNAL_ID), checks.read(1)):
        github.fault("GET", "", status=200, body=body)
        with pytest.raises(GitHubUnavailable):
            await question
    impatient.close()


@pytest.mark.parametrize("body", NONSENSE)
async def test_an_answer_of_another_form_is_a_lost_one(
    checks: Checks, repository: Repository, github: FakeGitHub, new: NewCheck, body: str
) -> None:
    github.fault("POST", "", status=201, body=body, after_effect=True)
    opened = await checks.open(new, REPORT)
    assert [check.id for check in repository.checks()] == [opened.id]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, {}),
        ({"external_id": None, "html_url": None, "app": None, "output": None}, {}),
        ({"app": {"id": 5, "slug": "x"}}, {"app_id": 5, "app_slug": "x"}),
        ({"output": {"annotations_count": 3}}, {"annotations": 3}),
        ({"output": {"annotations_count": None}}, {}),
        ({"external_id": "x", "html_url": "u"}, {"external_id": "x", "url": "u"}),
    ],
)
def test_what_github_leaves_out_is_empty(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"id": 1, "name": "n", "head_sha": "s", "status": "queued"}
    bare = {**whole, "external_id": ""}
    assert CheckRun.read(whole | answer) == CheckRun(**bare | expected)
