"""Whatever fails, a run is tried again; whatever is asked, it is stopped; and its watchers see it begin and end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from unittest.mock import Mock
from uuid import uuid4

import pytest

from automation.observation import Cause
from automation.reasons import Conclusion, Reason
from bot.runs import driver as module
from bot.runs.live import LiveRun
from bot.runs.run import End, Pending, Run, State
from bot.runs.schedule import Room
from bot.store.errors import DatabaseUnavailable
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS
from tests.servers import RealServer
from tests.teller import eventually

STARTED = "echo started; sleep 300"


@asynccontextmanager
async def driving(place: Place) -> AsyncIterator[None]:
    async with place.driver.driving():
        yield


def wrote(server: RealServer, run: Run, text: str) -> bool:
    file = server.runs / str(run.id) / "output.log"
    return file.exists() and text in file.read_text()


async def test_what_is_poked_is_driven_to_its_end(place: Place) -> None:
    async with driving(place):
        run = await place.add()
        await eventually(lambda: place.driver.live(run.id) is not None, 5)
        ended = await place.reaches(run, State.ENDED)
        await eventually(lambda: place.driver.live(run.id) is None, 5)
    assert ended.is_success
    assert ended.epoch == 1
    assert (
        b'automation_bot_runs_ended_total{conclusion="success",reason="ok"} 1.0' in place.bot.metrics.text()
    )


async def test_what_is_found_at_the_beginning_is_driven_without_a_word(place: Place) -> None:
    runs = [place.a_run() for _ in range(3)]
    for run in runs:
        assert await place.bot.store.runs.add(run)
    assert not place.driver.is_sweeping
    async with driving(place):
        await eventually(lambda: place.driver.is_sweeping, 5)
        for run in runs:
            assert (await place.reaches(run, State.ENDED)).is_success


async def test_it_sweeps_only_as_long_as_it_can_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEPT_WITHIN", 0.3)
    async with driving(place):
        await eventually(lambda: place.driver.is_sweeping, 5)

        async def fail() -> list[Pending]:
            raise DatabaseUnavailable("the disk is full")

        monkeypatch.setattr(place.bot.store.runs, "unfinished", fail)
        await eventually(lambda: not place.driver.is_sweeping, 5)


async def test_whoever_waits_in_a_lane_goes_on_as_soon_as_it_is_free(place: Place) -> None:
    place.automation("sleep 0.5")
    async with driving(place):
        first, second = await place.add(lane="a", accepted_at=1), await place.add(lane="a", accepted_at=2)
        before, after = await place.reaches(first, State.ENDED), await place.reaches(second, State.ENDED)
    assert after.started_at >= before.ended_at
    assert after.ended_at - before.ended_at < 10


async def test_no_more_go_on_at_a_time_than_there_are_places(place: Place, server: RealServer) -> None:
    place.driver.room = Room(1, 5, 5)
    place.automation("sleep 0.5")
    async with driving(place):
        runs = [await place.add() for _ in range(3)]
        ended = [await place.reaches(run, State.ENDED, 40) for run in runs]
    spans = sorted((run.started_at, run.ended_at) for run in ended)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


async def test_github_away_is_waited_for(place: Place) -> None:
    place.github.fault("*", "check-runs", status=503, times=None)
    async with driving(place):
        run = await place.add()
        place.bot.installations.client(run.repository, run.installation).patience = 0.1
        await place.reaches(run, State.CONCLUDING)
        await asyncio.sleep(0.5)
        assert (await place.now(run)).state is State.CONCLUDING
        place.github.clear_faults()
        await place.reaches(run, State.ENDED)
    place.repository.check("hello").is_("success")


class TestStop:
    async def test_in_its_lane(self, place: Place, server: RealServer) -> None:
        place.automation(STARTED)
        async with driving(place):
            first, second = await place.add(lane="a", accepted_at=1), await place.add(lane="a")
            await eventually(lambda: wrote(server, first, "started"), 20)
            assert await place.driver.stop(second, "@bob")
            ended = await place.reaches(second, State.ENDED, 10)
            assert ended.end is not None
            assert ended.end.sentence == "stopped by @bob before it started"
            assert not (await place.now(first)).is_over
            assert await place.driver.stop(first, "@bob")
            await place.reaches(first, State.ENDED)
        assert str(second.id) not in server.directories()

    async def test_waiting_for_a_place(self, place: Place) -> None:
        place.driver.room = Room(0, 5, 5)
        async with driving(place):
            run = await place.add()
            await eventually(lambda: len(place.repository.checks(run.head_sha)) == 1, 10)
            assert await place.driver.stop(run, "@bob")
            ended = await place.reaches(run, State.ENDED, 10)
        assert ended.end is not None
        assert ended.end.reason is Reason.CANCELLED
        place.repository.check("hello").is_("cancelled")

    async def test_while_it_is_prepared(self, place: Place, server: RealServer) -> None:
        place.github.fault("GET", "tarball", delay=1.0)
        async with driving(place):
            run = await place.add()
            await place.reaches(run, State.STARTING)
            assert await place.driver.stop(run, "the newer run", Cause.SUPERSEDED)
            ended = await place.reaches(run, State.ENDED)
        assert ended.end is not None
        assert (ended.end.conclusion, ended.end.reason) == (Conclusion.CANCELLED, Reason.SUPERSEDED)
        assert str(run.id) not in server.directories()

    async def test_while_it_runs(self, place: Place, server: RealServer) -> None:
        place.automation(STARTED)
        async with driving(place):
            run = await place.add()
            await eventually(lambda: wrote(server, run, "started"), 20)
            assert await place.driver.stop(run, "@bob")
            ended = await place.reaches(run, State.ENDED)
        assert ended.end is not None
        assert ended.end.reason is Reason.CANCELLED
        assert server.processes(str(run.id)) == []

    async def test_while_github_is_away(self, place: Place) -> None:
        """It was put off for a while: a stop is looked at now."""
        place.github.fault("GET", "tarball", status=503, times=None)
        async with driving(place):
            run = await place.add()
            place.bot.installations.client(run.repository, run.installation).patience = 0.05
            await eventually(lambda: place.driver._delays.failures(run.id) > 0, 10)
            place.driver._delays.put_off(run.id, 3600)
            await eventually(lambda: place.driver.live(run.id) is None, 10)
            assert await place.driver.stop(run, "@bob")
            ended = await place.reaches(run, State.ENDED, 10)
        assert ended.end is not None
        assert ended.end.reason is Reason.CANCELLED

    @pytest.mark.parametrize("state", [State.CONCLUDING, State.ENDED])
    async def test_too_late(self, place: Place, state: State) -> None:
        run = place.a_run(state=state, end=SUCCESS, ended_at=time.time())
        assert await place.bot.store.runs.add(run)
        assert not await place.driver.stop(run, "@bob")
        assert (await place.now(run)).stop_by == ""

    async def test_the_first_who_asked_stays(self, place: Place) -> None:
        run = await place.add()
        assert await place.driver.stop(run, "@bob")
        assert await place.driver.stop(run, "the newer run", Cause.SUPERSEDED)
        async with driving(place):
            ended = await place.reaches(run, State.ENDED)
        assert (ended.stop_by, ended.end and ended.end.reason) == ("@bob", Reason.CANCELLED)


async def test_whoever_ends_leaves_runs_going_and_the_next_one_takes_them(
    place: Place, server: RealServer
) -> None:
    place.automation("echo started; sleep 1; echo ended")
    async with driving(place):
        run = await place.add()
        await eventually(lambda: wrote(server, run, "started"), 20)
    assert server.processes(str(run.id))
    assert (await place.now(run)).state is State.RUNNING
    place.driver = module.Driver(place.bot)
    async with driving(place):
        ended = await place.reaches(run, State.ENDED)
    assert ended.is_success
    assert ended.epoch == 2


async def test_news_are_told_once_something_has_begun(place: Place) -> None:
    async with driving(place):
        began = time.monotonic()
        await place.driver.news(0.1)
        assert time.monotonic() - began >= 0.09
        waiting = asyncio.create_task(place.driver.news(60))
        await asyncio.sleep(0)
        run = await place.add()
        await asyncio.wait_for(waiting, 5)
        await place.reaches(run, State.ENDED)


async def test_whoever_is_woken_looks_at_once(place: Place) -> None:
    """The output of a run that nobody watches is read seldom; its own word counts for more."""
    async with driving(place):
        run = await place.add()
        await eventually(lambda: place.driver.live(run.id) is not None, 5)
        live = place.driver.live(run.id)
        assert live is not None
        live.attention.drawn.clear()
        place.driver.wake(run.id)
        assert live.attention.drawn.is_set()
        await place.reaches(run, State.ENDED)
    place.driver.wake(uuid4())


@pytest.mark.parametrize(("runs", "pause"), [(1, 15), (120, 15), (200, 25), (800, 100)])
def test_many_runs_that_nobody_watches_are_read_less_often(place: Place, runs: int, pause: float) -> None:
    live = LiveRun(place.a_run())
    place.driver._driven = dict.fromkeys((uuid4() for _ in range(runs)), Mock(live=live))
    assert place.driver._unwatched_pause(0) == pause
    assert place.driver._unwatched_pause(121) == max(pause, 60)


async def test_a_run_that_was_known_to_end_is_only_told(place: Place, server: RealServer) -> None:
    end = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3, "Failure", "it was so")
    async with driving(place):
        run = await place.add(state=State.CONCLUDING, end=end, ended_at=time.time(), is_ordered=True)
        await place.reaches(run, State.ENDED)
    assert place.repository.check("hello").is_("failure").title == "Failure"
    assert str(run.id) not in server.directories()


async def test_the_database_away_is_borne(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that cannot read is made again."""
    rows, away = place.bot.store.runs, DatabaseUnavailable("the disk is full")
    unfinished, tries = rows.unfinished, 0

    async def fail_once() -> list[Pending]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise away
        return await unfinished()

    monkeypatch.setattr(rows, "unfinished", fail_once)
    async with driving(place):
        assert (await place.reaches(await place.add(), State.ENDED)).is_success
