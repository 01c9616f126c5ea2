"""A run is driven to its true end from whatever state it is found in, by its newest driver and nobody else."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from automation.agent_server import AgentServer
from automation.errors import NoRoom
from automation.github import GitHubUnavailable
from automation.observation import Cause
from automation.reasons import Conclusion, Reason
from automation.run import conduct
from bot.completion import Completion
from bot.runs import drive as module
from bot.runs.drive import Drive
from bot.runs.live import LiveRun
from bot.runs.run import Run, State
from bot.runs.said import note_of
from tests.bot.runs.place import NOWHERE, Place
from tests.bot.store.rows import SUCCESS
from tests.fakes.faulty_proxy import Answer, Cut, Fault, faulty_proxy
from tests.servers import RealServer
from tests.teller import eventually

SLOW = "echo started; sleep 1.5; echo ended; exit 3"


async def taken(place: Place, run: Run, *, goes: bool = True, ahead: int = 0) -> Drive:
    """Its newest driver."""
    mine = await place.bot.store.runs.take(run.id, goes=goes)
    assert mine is not None
    return Drive(place.bot, LiveRun(replace(mine, ahead=ahead)))


async def driven(place: Place, run: Run, *, goes: bool = True, ahead: int = 0) -> Run:
    await (await taken(place, run, goes=goes, ahead=ahead)).advance()
    return await place.now(run)


@asynccontextmanager
async def begun(drive: Drive) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(drive.advance())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wrote(server: RealServer, run: Run, text: str) -> None:
    """Wait until the run's output has this."""
    file = server.runs / str(run.id) / "output.log"
    await eventually(lambda: file.exists() and text in file.read_text(), 20)


def end_of(run: Run) -> tuple[State, Conclusion | None, Reason | None]:
    if run.end is None:
        return run.state, None, None
    return run.state, run.end.conclusion, run.end.reason


async def test_from_the_row_to_the_check(place: Place, server: RealServer) -> None:
    place.automation("echo hello; exit 3")
    run = await place.add()
    now = await driven(place, run)
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)
    check = place.repository.check("hello").is_("failure")
    assert "hello" in (check.text or "")
    assert (now.check_id, now.check_url) == (check.id, check.html_url)
    assert [each.phase for each in now.stations][:2] == ["connect", "prepare"]
    assert run.accepted_at <= now.started_at <= now.ended_at
    assert str(run.id) not in server.directories()
    kept = await place.bot.store.outputs.of(run.id)
    assert kept is not None
    assert (kept.head, kept.size) == (b"hello\n", 6)


async def test_a_driver_that_was_cancelled_leaves_it_going_and_the_next_one_ends_it(
    place: Place, server: RealServer
) -> None:
    place.automation(SLOW)
    run = await place.add()
    async with begun(await taken(place, run)):
        await wrote(server, run, "started")
    assert (await place.now(run)).state is State.RUNNING
    assert server.processes(str(run.id))
    now = await driven(place, run)
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)
    kept = await place.bot.store.outputs.of(run.id)
    assert kept is not None
    assert kept.head == b"started\nended\n"
    assert len(place.repository.checks(run.head_sha)) == 1
    assert str(run.id) not in server.directories()


class Restarting:
    """A proxy that answers itself while its server restarts: so many of the requests for a path."""

    def __init__(self, path: str, status: int) -> None:
        self.path, self.status = path, status
        self.left = 0

    @asynccontextmanager
    async def before(
        self, server: RealServer, place: Place, fault: Fault | None = None
    ) -> AsyncIterator[None]:
        async def answer(request: Request, real: Answer) -> Response | None:
            if self.left and request.url.path.endswith(self.path):
                self.left -= 1
                return Response("no server here", self.status)
            return await fault(request, real) if fault else None

        async with faulty_proxy(server.url, answer) as proxy:
            core = replace(place.bot.settings.core, agent_server_url=proxy.url)
            place.bot.settings = replace(place.bot.settings, core=core)
            yield
            assert not self.left


async def test_a_proxys_refusal_while_a_run_goes_on_is_borne_by_its_next_driver_too(
    place: Place, server: RealServer
) -> None:
    place.automation(SLOW)
    proxy = Restarting("/execute_bash_command", 404)
    async with proxy.before(server, place):
        run = await place.add()
        async with begun(await taken(place, run)):
            await wrote(server, run, "started")
        proxy.left = 3
        now = await driven(place, run)
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)


async def test_a_proxys_refusal_when_the_answer_to_a_start_was_lost_is_borne(
    place: Place, server: RealServer, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    place.automation(f"echo started >> {starts}; sleep 2; exit 3")
    proxy = Restarting("/search", 404)

    async def lose_the_first(request: Request, answer: Answer) -> Response | None:
        if request.url.path.endswith("/start_bash_command") and not starts.exists():
            await answer()
            proxy.left = 3
            raise Cut
        return None

    async with proxy.before(server, place, lose_the_first):
        now = await driven(place, await place.add())
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)
    assert starts.read_text() == "started\n"


async def test_a_server_that_is_away_when_a_runs_turn_comes_is_borne_like_any_other(
    place: Place, server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conduct, "FIRST_CONTACT", 0)
    proxy = Restarting("/server_info", 502)
    async with proxy.before(server, place):
        proxy.left = 3
        now = await driven(place, await place.add())
    assert end_of(now) == (State.ENDED, Conclusion.SUCCESS, Reason.OK)


async def test_what_may_have_been_started_on_a_server_that_forgot_it_is_not_started_again(
    place: Place, server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to its start was lost with the driver, and all that the server knew with its disk."""
    starts = tmp_path / "starts"
    place.automation(f"echo started >> {starts}; sleep 347", "hello")
    run = await place.add()
    drive = await taken(place, run)
    start = AgentServer.start

    async def start_and_hang(agent: AgentServer, *given: Any, **named: Any) -> Any:
        await start(agent, *given, **named)
        await asyncio.sleep(60)

    monkeypatch.setattr(AgentServer, "start", start_and_hang)
    async with begun(drive):
        await eventually(starts.exists, 20)
    monkeypatch.undo()
    assert not (await place.now(run)).is_started
    for process in server.processes(str(run.id)):
        process.kill()
    await eventually(lambda: not server.processes(str(run.id)))
    shutil.rmtree(server.runs / str(run.id))
    now = await driven(place, run)
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.RUN_LOST)
    assert starts.read_text() == "started\n"


async def test_one_that_was_taken_over_writes_nothing_more(place: Place, server: RealServer) -> None:
    place.automation(SLOW)
    run = await place.add()
    old = await taken(place, run)
    async with begun(old) as task:
        await wrote(server, run, "started")
        before = await place.bot.store.runs.take(run.id)
        await asyncio.wait_for(task, 20)
        assert await place.now(run) == before
        check = place.repository.check("hello")
        assert not check.is_completed
    assert str(run.id) in server.directories()
    now = await driven(place, run)
    assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)


async def test_one_that_was_taken_over_leaves_the_output_to_its_newest_driver(
    place: Place, server: RealServer
) -> None:
    place.automation(SLOW)
    run = await place.add()
    async with begun(await taken(place, run)) as task:
        await wrote(server, run, "started")
        assert await place.bot.store.runs.take(run.id)
        await asyncio.wait_for(task, 20)
    assert await place.bot.store.outputs.of(run.id) is None


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (0, "Waiting for its turn …"),
        (1, "Waiting for its turn, behind 1 other run …"),
        (7, "Waiting for its turn, behind 7 other runs …"),
    ],
)
async def test_it_waits_for_its_turn_and_shows_so(place: Place, ahead: int, expected: str) -> None:
    run = await place.add()
    now = await driven(place, run, goes=False, ahead=ahead)
    assert now.state is State.QUEUED
    check = place.repository.check("hello")
    assert (check.status, check.title) == ("queued", expected)
    assert end_of(await driven(place, run)) == (State.ENDED, Conclusion.SUCCESS, Reason.OK)
    assert len(place.repository.checks(run.head_sha)) == 1


class TestStopped:
    @pytest.mark.parametrize(
        ("cause", "reason"), [(Cause.CANCELLED, Reason.CANCELLED), (Cause.SUPERSEDED, Reason.SUPERSEDED)]
    )
    @pytest.mark.parametrize("state", [State.QUEUED, State.STARTING])
    async def test_before_it_started(
        self, place: Place, server: RealServer, state: State, cause: Cause, reason: Reason
    ) -> None:
        run = await place.add(state=state)
        assert await place.bot.store.runs.ask_stop(run.id, "@bob", cause.value)
        now = await driven(place, run)
        assert end_of(now) == (State.ENDED, Conclusion.CANCELLED, reason)
        assert now.end is not None
        assert "stopped by @bob before it started" in now.end.sentence
        place.repository.check("hello").is_("cancelled")
        assert str(run.id) not in server.directories()

    async def test_while_it_runs(self, place: Place, server: RealServer) -> None:
        place.automation("echo started; sleep 300")
        run = await place.add()
        drive = await taken(place, run)
        async with begun(drive) as task:
            await wrote(server, run, "started")
            drive.live.stop.ask("@bob")
            await asyncio.wait_for(task, 20)
        assert end_of(await place.now(run)) == (State.ENDED, Conclusion.CANCELLED, Reason.CANCELLED)
        assert server.processes(str(run.id)) == []
        assert str(run.id) not in server.directories()

    async def test_while_its_server_is_away_before_it_started(self, place: Place, server: RealServer) -> None:
        proxy = Restarting("", 502)
        async with proxy.before(server, place):
            proxy.left = 1000
            run = await place.add()
            drive = await taken(place, run)
            async with begun(drive) as task:
                await eventually(lambda: proxy.left < 999, 20)
                drive.live.stop.ask("@bob")
                await asyncio.wait_for(task, 10)
            proxy.left = 0
        now = await place.now(run)
        assert end_of(now) == (State.ENDED, Conclusion.CANCELLED, Reason.CANCELLED)
        assert now.end is not None
        assert "stopped by @bob before it started" in now.end.sentence

    async def test_while_its_next_driver_waits_for_a_server_that_stays_away(
        self, place: Place, server: RealServer
    ) -> None:
        core = replace(place.bot.settings.core, patience=3)
        place.bot.settings = replace(place.bot.settings, core=core)
        proxy = Restarting("", 502)
        async with proxy.before(server, place):
            proxy.left = 1000
            run = await place.add(is_ordered=True)
            drive = await taken(place, run)
            async with begun(drive) as task:
                await eventually(lambda: proxy.left < 999, 20)
                assert await place.bot.store.runs.ask_stop(run.id, "@bob", Cause.CANCELLED.value)
                drive.live.become(replace(drive.live.run, stop_by="@bob", stop_cause=Cause.CANCELLED.value))
                await asyncio.wait_for(task, 20)
            proxy.left = 0
        assert end_of(await place.now(run)) == (State.ENDED, Conclusion.CANCELLED, Reason.CANCELLED)

    async def test_while_nobody_drives_it(self, place: Place, server: RealServer) -> None:
        place.automation("echo started; sleep 300")
        run = await place.add()
        async with begun(await taken(place, run)):
            await wrote(server, run, "started")
        assert await place.bot.store.runs.ask_stop(run.id, "@bob", Cause.CANCELLED.value)
        now = await driven(place, run)
        assert end_of(now) == (State.ENDED, Conclusion.CANCELLED, Reason.CANCELLED)
        assert server.processes(str(run.id)) == []

    async def test_once_its_end_is_known_it_keeps_it(self, place: Place) -> None:
        run = await place.add(state=State.CONCLUDING, end=SUCCESS, ended_at=1)
        assert not await place.bot.store.runs.ask_stop(run.id, "@bob", Cause.CANCELLED.value)
        assert end_of(await driven(place, run)) == (State.ENDED, Conclusion.SUCCESS, Reason.OK)


class TestSaid:
    async def said(self, place: Place, has_failed: bool) -> Run:
        run = await place.add()
        note = note_of(Completion(has_failed, "boom"))
        await place.bot.store.facts.put(f"completion {run.id}", note)
        return await driven(place, run)

    async def test_failed_worsens_a_success(self, place: Place) -> None:
        now = await self.said(place, has_failed=True)
        assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.REPORTED)
        assert "boom" in (place.repository.check("hello").is_("failure").summary or "")

    async def test_completed_betters_nothing(self, place: Place) -> None:
        place.automation("exit 3")
        assert end_of(await self.said(place, has_failed=False))[1] is Conclusion.FAILURE


class TestWithout:
    """What is missing is told on the check, where the run could not be."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"automation": "gone"}, "no automation"),
            ({"inputs": {"nothing": "x"}}, "nothing"),
        ],
    )
    async def test_what_it_is_made_of(self, place: Place, changes: dict[str, Any], said: str) -> None:
        run = await place.add(**changes)
        now = await driven(place, run)
        assert end_of(now)[:2] == (State.ENDED, Conclusion.FAILURE)
        assert said in (place.repository.check("hello").is_("failure").summary or "")

    async def test_the_commit(self, place: Place) -> None:
        """Then there is nothing that a check could be on."""
        now = await driven(place, await place.add(head_sha="d" * 40))
        assert end_of(now)[:2] == (State.ENDED, Conclusion.FAILURE)
        assert now.check_id == 0

    async def test_the_server(self, place: Place) -> None:
        core = replace(place.bot.settings.core, agent_server_url=NOWHERE, patience=0)
        place.bot.settings = replace(place.bot.settings, core=core)
        now = await driven(place, await place.add())
        assert end_of(now)[:2] == (State.ENDED, Conclusion.FAILURE)
        place.repository.check("hello").is_("failure")

    async def test_github_it_runs_all_the_same_and_is_told_later(self, place: Place) -> None:
        place.automation("echo hello; exit 3")
        run = await place.add()
        place.bot.installations.client(run.repository, run.installation).patience = 0.1
        place.github.fault("*", "check-runs", status=503, times=None)
        with pytest.raises(GitHubUnavailable):
            await driven(place, run)
        now = await place.now(run)
        assert end_of(now) == (State.CONCLUDING, Conclusion.FAILURE, Reason.EXIT_CODE)
        assert place.repository.checks(run.head_sha) == []
        place.github.clear_faults()
        assert end_of(await driven(place, run)) == (State.ENDED, Conclusion.FAILURE, Reason.EXIT_CODE)
        place.repository.check("hello").is_("failure")
        assert len(place.repository.checks(run.head_sha)) == 1

    async def test_github_from_the_beginning_it_is_tried_again_until_its_deadline(self, place: Place) -> None:
        run = await place.add()
        place.bot.installations.client(run.repository, run.installation).patience = 0.1
        place.github.fault("GET", "tarball", status=503, times=None)
        with pytest.raises(GitHubUnavailable):
            await driven(place, run)
        assert (await place.now(run)).end is None
        over = await place.add(deadline=1.0, tried_since=1.0)
        now = await driven(place, over)
        assert end_of(now)[:2] == (State.ENDED, Conclusion.FAILURE)

    async def test_github_when_its_turn_comes_it_is_tried_again_however_long_it_waited(
        self, place: Place
    ) -> None:
        run = await place.add(deadline=1.0)
        place.bot.installations.client(run.repository, run.installation).patience = 0
        place.github.fault("GET", "tarball", status=503, times=1)
        with pytest.raises(GitHubUnavailable):
            await driven(place, run)
        now = await driven(place, run)
        assert end_of(now)[:2] == (State.ENDED, Conclusion.SUCCESS)


class TestWithoutRoom:
    """The disk for temporary files is full for a while."""

    @pytest.mark.parametrize("seam", ["tempfile.TemporaryDirectory", "automation.run.start.write_payload"])
    async def test_it_waits_until_there_is_some(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, seam: str
    ) -> None:
        run = await place.add()
        with monkeypatch.context() as full:
            full.setattr(seam, fails_for_want_of_room)
            for _ in range(3):
                with pytest.raises(NoRoom, match="No space left on device"):
                    await driven(place, run)
                assert (await place.now(run)).end is None
        assert end_of(await driven(place, run)) == (State.ENDED, Conclusion.SUCCESS, Reason.OK)
        place.repository.check("hello").is_("success")

    async def test_it_can_be_cancelled_while_it_waits(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = await place.add()
        for seam in ("automation.run.start.write_payload", "tempfile.TemporaryDirectory"):
            monkeypatch.setattr(seam, fails_for_want_of_room)
            with pytest.raises(NoRoom):
                await driven(place, run)
        assert await place.bot.store.runs.ask_stop(run.id, "@bob", Cause.CANCELLED.value)
        now = await driven(place, run)
        assert end_of(now) == (State.ENDED, Conclusion.CANCELLED, Reason.CANCELLED)

    @pytest.mark.parametrize("seam", ["tempfile.TemporaryDirectory", "automation.run.start.write_payload"])
    async def test_in_the_end_its_check_says_so(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, seam: str
    ) -> None:
        run = await place.add(deadline=1.0)
        monkeypatch.setattr(seam, fails_for_want_of_room)
        with pytest.raises(NoRoom):
            await driven(place, run)
        monkeypatch.setattr(module, "BORNE", 0.0)
        now = await driven(place, run)
        assert end_of(now) == (State.ENDED, Conclusion.FAILURE, Reason.INTERNAL_ERROR)
        assert "No space left on device" in (place.repository.check("hello").summary or "")


def fails_for_want_of_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_what_has_no_check_is_told_nowhere(place: Place) -> None:
    run = await place.add(state=State.CONCLUDING, end=SUCCESS, has_check=False, comment_id=0)
    assert (await driven(place, run)).state is State.ENDED
    assert place.requests() == []


async def test_a_role_that_was_taken_away_meanwhile(place: Place, server: RealServer) -> None:
    place.repository.collaborator("alice", "read")
    now = await driven(place, await place.add(accepted_at=1.0))
    assert end_of(now) == (State.ENDED, Conclusion.ACTION_REQUIRED, Reason.NOT_ALLOWED)
    place.repository.check("hello").is_("action_required")
