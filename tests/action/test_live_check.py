"""A check run lives with its run: there at once, kept up to date now and then, completed once, and never in the run's way."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from automation.action import live_check
from automation.action.job_log import JobLog
from automation.action.live_check import EDIT_WITHIN, LiveCheck
from automation.action.state import State, StateFile
from automation.github import GitHub, GivenToken, client
from automation.github.check_run import NewCheck
from automation.reasons import Conclusion
from automation.redaction import Redactor
from automation.report import Report
from automation.result import Annotation
from automation.run.progress import Phase
from tests.fakes.github.checks import CheckRun
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.teller import eventually
from tests.workflow import Checkout

RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
EXTERNAL_ID = f"action:4242:{RUN}:1:1800000000"
URL = "https://github.com/octo/demo/actions/runs/4242"
END = Report("Failure: exit code 3", "**Failure**", "```text\nbye\n```")
SECRET = "hunter2-and-more"
JOB_APP = 15368


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("live-check") / "checkout")
    checkout.commit()
    return checkout


@pytest.fixture
def repository(github: FakeGitHub, checkout: Checkout) -> Repository:
    return github.repository("octo/demo", checkout.path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for; no edit unless a test asks for some."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    pace(monkeypatch, 60)


def pace(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(live_check, "pause_before_update", lambda _: seconds)


@dataclass
class Job:
    """A run with its check run."""

    live: LiveCheck
    github: FakeGitHub
    repository: Repository
    state: StateFile
    stream: io.BytesIO

    @property
    def log(self) -> str:
        return self.stream.getvalue().decode()

    @property
    def checks(self) -> list[CheckRun]:
        return self.repository.checks()

    @property
    def check(self) -> CheckRun:
        [check] = self.checks
        return check

    @property
    def edits(self) -> list[dict[str, Any]]:
        """What was written while the run went on."""
        return [write for write in self.check.writes[1:] if "status" not in write]

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.github.requests)

    async def open(self) -> None:
        """Begin, and wait until it is there."""
        self.live.begin()
        self.live.enter(Phase.PREPARE)
        assert await self.live.opened(5)


type MakeJob = Callable[..., Job]


@pytest.fixture
async def make(github: FakeGitHub, repository: Repository, tmp_path: Path) -> AsyncIterator[MakeJob]:
    made: list[Job] = []

    def job(permission: str = "write", *, patience: float = 5, timeout: int = 1, app_id: int = 0) -> Job:
        sha = repository.resolve("main") or ""
        token = github.job_token(
            "octo/demo", run_id=4242, permissions={"checks": permission, "contents": "read"}
        )
        hub = GitHub(github.url, "octo/demo", GivenToken(token.value), patience=patience, timeout=timeout)
        state = StateFile(tmp_path / "state.json")
        state.write(State(UUID(RUN), "guard", "guard", sha, EXTERNAL_ID, URL))
        stream = io.BytesIO()
        live = LiveCheck(
            github=hub,
            new=NewCheck("guard", sha, EXTERNAL_ID, URL),
            name="Changelog guard",
            run_id=RUN,
            url=URL,
            redactor=Redactor([SECRET]),
            state=state,
            log=JobLog(stream),
            app_id=app_id,
        )
        made.append(Job(live, github, repository, state, stream))
        return made[-1]

    yield job
    github.clear_faults()
    for each in made:
        if each.live._living:
            each.live._living.cancel()
            await asyncio.wait([each.live._living])
        each.live.github.close()


@pytest.fixture
def job(make: MakeJob) -> Job:
    return make()


def annotations(count: int) -> list[Annotation]:
    return [
        Annotation(path="a.py", start_line=number, message=f"m{number}") for number in range(1, count + 1)
    ]


async def test_it_is_there_as_soon_as_the_server_was_reached(job: Job) -> None:
    job.live.begin()
    job.live.enter(Phase.CONNECT)
    await asyncio.sleep(0.05)
    assert job.checks == []
    job.live.enter(Phase.PREPARE)
    assert await job.live.opened(2)
    assert (job.check.status, job.check.title) == ("in_progress", "Starting …")
    assert "`Changelog guard`" in (job.check.summary or "")
    assert job.count("POST") == len(job.github.requests) == 1


async def test_a_server_that_is_slow_to_reach_does_not_hide_it(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_check, "HEAD_START", 0.1)
    job.live.begin()
    assert await job.live.opened(2)


async def test_the_state_knows_it_from_then_on(job: Job) -> None:
    await job.open()
    state = job.state.state
    assert state is not None
    assert (state.check_id, state.app_id) == (job.check.id, JOB_APP)
    assert job.live.check is not None
    assert job.live.check.id == job.check.id


async def test_it_is_opened_once_although_the_answer_is_lost(job: Job) -> None:
    job.github.fault("POST", "", status=502, after_effect=True)
    await job.open()
    await job.live.conclude(Conclusion.SUCCESS, END)
    job.check.is_("success")


async def test_nor_twice_where_the_answer_stays_lost_until_the_end(make: MakeJob) -> None:
    job = make(patience=0.05)
    job.github.fault("POST", "", drop=True, after_effect=True)
    job.github.fault("GET", "", status=502, times=None)
    job.live.begin()
    job.live.enter(Phase.PREPARE)
    assert not await job.live.opened(0.3)
    job.github.clear_faults()
    await job.live.conclude(Conclusion.FAILURE, END, annotations(3))
    assert len(job.check.is_("failure").annotations) == 3


async def test_nor_where_the_answer_is_none_of_githubs(job: Job) -> None:
    job.github.fault("POST", "", status=201, body="<html>Log in</html>", after_effect=True)
    await job.open()
    await job.live.conclude(Conclusion.SUCCESS, END)
    job.check.is_("success")


async def test_it_is_edited_at_its_pace(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.06)
    await job.open()
    began = time.monotonic()
    while time.monotonic() - began < 0.6:
        job.live.output(b"line\n")
        await asyncio.sleep(0.01)
    assert 3 <= len(job.edits) <= 11


async def test_its_pace_is_that_of_a_run_of_its_age(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def pause(elapsed: float) -> float:
        asked.append(elapsed)
        return 0.05

    monkeypatch.setattr(live_check, "pause_before_update", pause)
    await job.open()
    await eventually(lambda: len(asked) >= 4)
    assert asked == sorted(asked)
    assert 0 <= asked[0] < 1
    assert asked[3] - asked[0] > 0.1


async def test_without_news_there_is_no_edit(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.02)
    await job.open()
    job.live.enter(Phase.UPLOAD)
    job.live.enter(Phase.START)
    job.live.note("something")
    await asyncio.sleep(0.2)
    assert job.edits == []
    job.live.enter(Phase.RUN)
    await eventually(lambda: len(job.edits) == 1)
    await asyncio.sleep(0.2)
    assert len(job.edits) == 1
    assert job.check.title == "Running …"


async def test_an_edit_shows_the_latest(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.1)
    await job.open()
    job.live.enter(Phase.RUN)
    job.live.output(b"one\n")
    job.live.output(b"Error: two is broken\nthree\n")
    await eventually(lambda: len(job.edits) == 1)
    assert "one\nError: two is broken\nthree" in (job.check.text or "")
    assert "First error so far" in (job.check.summary or "")
    assert job.check.status == "in_progress"
    job.live.enter(Phase.STOP, "somebody")
    await eventually(lambda: job.check.title == "Being stopped …")


async def test_an_edit_that_fails_is_made_up_for_by_the_next(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace(monkeypatch, 0.05)
    await job.open()
    job.github.fault("PATCH", "", status=422)
    job.live.output(b"one\n")
    await eventually(lambda: job.count("PATCH") == 1)
    job.live.output(b"two\n")
    await eventually(lambda: "two" in (job.check.text or ""))
    await job.live.conclude(Conclusion.SUCCESS, END)
    job.check.is_("success")


async def test_it_ends_with_the_verdict(job: Job) -> None:
    await job.open()
    await job.live.conclude(Conclusion.FAILURE, END, annotations(60))
    check = job.check.is_("failure")
    assert (check.title, check.summary, check.text) == (END.title, END.summary, END.text)
    assert len(check.annotations) == 60
    assert job.live.is_concluded
    assert job.live.is_settled
    assert "note:" not in job.log


async def test_after_its_end_nothing_is_written(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.02)
    await job.open()
    job.live.output(b"one\n")
    await job.live.conclude(Conclusion.SUCCESS, END)
    before = len(job.github.requests)
    job.live.output(b"two\n")
    job.live.enter(Phase.RELEASE)
    await job.live.conclude(Conclusion.FAILURE, END)
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END)
    await asyncio.sleep(0.1)
    assert len(job.github.requests) == before
    assert job.check.is_("success").text == END.text


async def test_an_edit_on_its_way_arrives_before_the_end(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.02)
    await job.open()
    job.github.fault("PATCH", "", delay=0.15)
    job.live.output(b"one\n")
    await eventually(lambda: job.count("PATCH") == 1)
    await job.live.conclude(Conclusion.SUCCESS, END)
    await asyncio.sleep(0.2)
    assert job.check.is_("success").text == END.text


@pytest.mark.parametrize("is_opened", [True, False], ids=["after it was there", "before"])
async def test_the_end_does_not_wait_for_what_was_going_to_be_written(
    job: Job, monkeypatch: pytest.MonkeyPatch, is_opened: bool
) -> None:
    """An edit that is to be tried again, or an opening, does not hold up the run."""
    monkeypatch.setattr(client, "PAUSES", (4.0,))
    pace(monkeypatch, 0.02)
    method = "PATCH" if is_opened else "POST"
    if is_opened:
        await job.open()
    job.github.fault(method, "", status=502)
    job.live.begin() if not is_opened else job.live.output(b"one\n")
    job.live.enter(Phase.RUN)
    await eventually(lambda: job.count(method) == 1)
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await job.live.conclude(Conclusion.SUCCESS, END)
    assert time.monotonic() - began < 2
    assert job.check.is_("success").text == END.text


async def test_the_end_makes_an_edit_superfluous(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.3)
    await job.open()
    job.live.output(b"one\n")
    await job.live.conclude(Conclusion.SUCCESS, END)
    assert job.edits == []
    assert job.count("PATCH") == 1


async def test_one_that_is_not_there_is_opened_to_be_ended(job: Job) -> None:
    await job.live.conclude(Conclusion.ACTION_REQUIRED, END)
    job.check.is_("action_required")
    assert job.live.is_concluded


async def test_a_run_that_ends_at_once_has_one_all_the_same(job: Job) -> None:
    job.live.begin()
    await job.live.conclude(Conclusion.FAILURE, END)
    job.check.is_("failure")
    assert (job.count("POST"), job.count("PATCH")) == (1, 1)


async def test_one_that_somebody_has_completed_is_left_as_it_is(job: Job) -> None:
    await job.open()
    by_hand = {"conclusion": "neutral", "output": {"title": "by hand", "summary": "so"}}
    job.repository.change_check(job.check, by_hand, job.check.app)
    await job.live.conclude(Conclusion.FAILURE, END)
    assert job.check.is_("neutral").title == "by hand"
    assert "note: somebody had completed the check run already" in job.log
    assert job.live.is_settled


async def test_a_token_that_may_only_read_is_said_once(
    make: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace(monkeypatch, 0.02)
    job = make("read")
    job.live.begin()
    job.live.enter(Phase.PREPARE)
    assert not await job.live.opened(5)
    job.live.output(b"one\n")
    await asyncio.sleep(0.1)
    await job.live.conclude(Conclusion.SUCCESS, END)
    await job.live.conclude_in_a_hurry(Conclusion.SUCCESS, END)
    assert job.checks == []
    assert len(job.github.requests) == 1
    assert job.log.count("note:") == 1
    assert "permissions: checks: write" in job.log
    assert "checks=write" in job.log
    assert job.live.is_settled


async def test_another_no_is_said_in_githubs_words(job: Job) -> None:
    job.github.fault("POST", "", status=422, body={"message": "No commit found for SHA: d"})
    job.live.begin()
    await job.live.conclude(Conclusion.SUCCESS, END)
    assert job.log.count("note:") == 1
    assert "No commit found for SHA: d" in job.log
    assert "permissions: checks: write" not in job.log


async def test_a_github_that_is_away_leaves_it_to_the_settling_step(make: MakeJob) -> None:
    job = make(patience=0.05)
    job.github.fault("*", "", status=503, times=None)
    job.live.begin()
    job.live.enter(Phase.PREPARE)
    job.live.output(b"one\n")
    await job.live.conclude(Conclusion.SUCCESS, END)
    assert not job.live.is_settled
    assert job.log.count("note: GitHub could not be told") == 1


async def test_a_github_that_comes_back_is_told(make: MakeJob) -> None:
    job = make(patience=5)
    await job.open()
    job.github.fault("*", "", drop=True, times=6)
    await job.live.conclude(Conclusion.TIMED_OUT, END)
    job.check.is_("timed_out")
    assert "note:" not in job.log


async def test_an_end_that_is_there_is_not_called_missing(make: MakeJob) -> None:
    """Only the rest of its annotations is."""
    job = make(patience=0.05)
    await job.open()
    job.github.fault("PATCH", "", times=1)
    job.github.fault("PATCH", "", status=503, times=None)
    await job.live.conclude(Conclusion.FAILURE, END, annotations(60))
    assert len(job.check.is_("failure").annotations) == 50
    assert job.live.is_concluded
    assert "GitHub could not be told" not in job.log
    assert job.log.count("note: 10 annotations are not in the check run") == 1


async def test_annotations_that_github_refuses_do_not_cost_the_end(job: Job) -> None:
    """An automation can write what GitHub does not take: that must not leave its check run pending for ever."""
    await job.open()
    job.github.fault("PATCH", "", status=422, body={"message": "Invalid request. start_line is too large"})
    await job.live.conclude(Conclusion.FAILURE, END, annotations(3))
    job.check.is_("failure")
    assert job.live.is_concluded


async def test_a_hurry_ends_it_with_one_request(job: Job) -> None:
    await job.open()
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END, annotations(120))
    assert len(job.check.is_("cancelled").annotations) == 50
    assert [request.method for request in job.github.requests] == ["POST", "PATCH"]
    assert job.live.is_settled


async def test_a_hurry_does_not_open_one(job: Job) -> None:
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END)
    assert job.github.requests == []
    assert not job.live.is_settled


async def test_a_hurry_does_not_wait_for_long(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_check, "EDIT_WITHIN", 0.2)
    monkeypatch.setattr(client, "URGENT", 1)
    assert EDIT_WITHIN + 3 < 10, "the runner kills after 10 s"
    pace(monkeypatch, 0.02)
    await job.open()
    job.github.fault("PATCH", "", delay=20, times=None)
    job.live.output(b"one\n")
    await eventually(lambda: job.count("PATCH") == 1)
    began = time.monotonic()
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END)
    assert time.monotonic() - began < 2
    assert not job.live.is_settled
    assert "note: GitHub could not be told" in job.log


async def test_a_hurry_tries_once(job: Job) -> None:
    await job.open()
    job.github.fault("PATCH", "", status=503, times=None)
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END)
    assert job.count("PATCH") == 1
    assert not job.live.is_settled


async def test_after_a_hurry_no_edit_is_made_up_for(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that failed before and would be tried again would show its text over the verdict's."""
    monkeypatch.setattr(client, "PAUSES", (0.2,))
    monkeypatch.setattr(live_check, "EDIT_WITHIN", 0.1)
    pace(monkeypatch, 0.02)
    await job.open()
    job.github.fault("PATCH", "", status=502)
    job.live.output(b"one\n")
    await eventually(lambda: job.count("PATCH") == 1)
    await asyncio.sleep(0.05)
    await job.live.conclude_in_a_hurry(Conclusion.CANCELLED, END)
    await asyncio.sleep(0.4)
    assert job.check.is_("cancelled").text == END.text


async def test_whoever_waits_for_it_waits_no_longer_than_said(job: Job) -> None:
    began = time.monotonic()
    assert not await job.live.opened(0.1)
    assert 0.09 < time.monotonic() - began < 1


async def test_no_secret_gets_to_github(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    pace(monkeypatch, 0.02)
    await job.open()
    job.live.output(f"Error: {SECRET}\n".encode())
    await eventually(lambda: len(job.edits) == 1)
    said = f"said {SECRET}"
    note = Annotation(path=f"{SECRET}.py", start_line=1, message=said, title=said, raw_details=said)
    await job.live.conclude(Conclusion.FAILURE, Report(said, said, said), [note])
    assert not [request for request in job.github.requests if SECRET.encode() in request.body]
    check = job.check.is_("failure")
    assert (check.title, check.summary, check.text) == ("said ***", "said ***", "said ***")
    assert check.annotations[0]["path"] == "***.py"
    assert check.annotations[0]["message"] == "said ***"


async def test_it_is_the_apps_that_is_looked_for(make: MakeJob) -> None:
    job = make(app_id=JOB_APP)
    job.github.fault("POST", "", status=502, after_effect=True)
    await job.open()
    [look] = [request for request in job.github.requests if request.method == "GET"]
    assert look.query["app_id"] == str(JOB_APP)


async def test_a_state_that_cannot_be_kept_does_not_bring_it_down(job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    job.live.state = StateFile(tmp_path / "file" / "state.json")
    job.live.state.state = job.state.state
    await job.open()
    await job.live.conclude(Conclusion.SUCCESS, END)
    job.check.is_("success")
