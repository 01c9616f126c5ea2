"""A driver that was held up until another one had its run starts nothing more, and leaves off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.agent_server import AgentServer
from automation.errors import ServerUnavailable
from automation.reasons import Reason
from bot.runs.drive import Drive
from bot.runs.live import LiveRun
from bot.runs.run import Run, State
from tests.bot.runs.place import Place, opened
from tests.fakes.github.server import FakeGitHub
from tests.postgresql import PostgreSQL
from tests.servers import RealServer
from tests.teller import eventually

type AfterTheUpload = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture
async def shared(
    github: FakeGitHub, server: RealServer, postgres: PostgreSQL, tmp_path: Path, _quick: None
) -> AsyncIterator[Place]:
    """A bot on a database that another one could share."""
    with postgres.database() as url:
        async with opened(tmp_path, github, server, database_url=url) as place:
            yield place


async def steal(place: Place, run_id: object) -> None:
    """Another replica takes the run."""
    await place.bot.store.replicas.beat("thief")
    async with place.bot.store.database.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE runs SET driver = 'thief', epoch = epoch + 1 WHERE id = %s", (str(run_id),)
        )


@pytest.fixture
def after_the_upload(monkeypatch: pytest.MonkeyPatch) -> AfterTheUpload:
    """Has a driver held up between its first upload and its start, until this has been done."""
    upload = AgentServer.upload

    def hold_up(doing: Callable[[], Awaitable[None]]) -> None:
        async def upload_slowly(agent: AgentServer, *given: Any, **named: Any) -> None:
            await upload(agent, *given, **named)
            monkeypatch.undo()
            await doing()

        monkeypatch.setattr(AgentServer, "upload", upload_slowly)

    return hold_up


async def drive(place: Place, run: Run) -> None:
    """As the replica that takes the run now."""
    mine = await place.bot.store.runs.take(run.id, goes=True)
    assert mine is not None
    await Drive(place.bot, LiveRun(mine)).advance()


async def test_what_another_one_has_is_not_started(
    place: Place, tmp_path: Path, after_the_upload: AfterTheUpload
) -> None:
    """The claim on the server goes with the run's directory, which the other one may have removed by then."""
    starts = tmp_path / "starts"
    place.automation(f"echo started >> {starts}")
    run = await place.add()

    async def take() -> None:
        assert await place.bot.store.runs.take(run.id)

    after_the_upload(take)
    await drive(place, run)
    assert not starts.exists()
    now = await place.now(run)
    assert (now.state, now.end) == (State.RUNNING, None)
    await drive(place, run)
    assert starts.read_text() == "started\n"


async def test_what_another_one_has_started_goes_on_to_its_true_end(
    place: Place, tmp_path: Path, after_the_upload: AfterTheUpload
) -> None:
    """Whoever finds that he has lost the run right before its start has nothing on the server to be stopped."""
    starts = tmp_path / "starts"
    place.automation(f"echo started >> {starts}; sleep 3; echo ended; exit 3")
    run = await place.add()
    others: list[asyncio.Task[None]] = []

    async def overtake() -> None:
        others.append(asyncio.create_task(drive(place, run)))
        await eventually(starts.exists, 20)

    after_the_upload(overtake)
    await drive(place, run)
    await asyncio.gather(*others)
    end = (await place.now(run)).end
    assert end is not None
    assert (end.reason, end.exit_code) == (Reason.EXIT_CODE, 3)
    assert "ended" in end.text
    assert starts.read_text() == "started\n"


async def test_whoever_does_not_know_whether_he_has_started_it_leaves_it_going(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off right after the start was sent, he does not know either who has the run by now."""
    starts = tmp_path / "starts"
    place.automation(f"echo started >> {starts}; sleep 3; exit 3")
    core = replace(place.bot.settings.core, patience=0)
    place.bot.settings = replace(place.bot.settings, core=core)
    run = await place.add()
    others: list[asyncio.Task[None]] = []

    async def lose(*_: Any, **__: Any) -> str:
        monkeypatch.undo()
        others.append(asyncio.create_task(drive(place, run)))
        await eventually(starts.exists, 20)
        raise ServerUnavailable("cut off")

    monkeypatch.setattr(AgentServer, "start", lose)
    await drive(place, run)
    await asyncio.gather(*others)
    end = (await place.now(run)).end
    assert end is not None
    assert (end.reason, end.exit_code) == (Reason.EXIT_CODE, 3)
    assert starts.read_text() == "started\n"


async def test_what_another_one_has_is_left(shared: Place, server: RealServer) -> None:
    shared.automation("echo started; sleep 346")
    async with shared.bot.replicas.among(), shared.driver.driving():
        run = await shared.add()
        file = server.runs / str(run.id) / "output.log"
        await eventually(lambda: file.exists() and "started" in file.read_text(), 20)
        await steal(shared, run.id)
        shared.driver.look_at()
        await eventually(lambda: shared.driver.live(run.id) is None, 10)
        assert (await shared.now(run)).driver == "thief"
        assert server.processes(str(run.id))
        async with shared.bot.store.database.writing() as connection:
            await connection.exec_driver_sql("DELETE FROM replicas WHERE id = 'thief'")
        assert await shared.driver.stop(run, "@bob")
        await shared.reaches(run, State.ENDED)


async def test_what_was_put_off_is_anybodys(shared: Place) -> None:
    shared.github.fault("GET", "tarball", status=503, times=None)
    async with shared.bot.replicas.among(), shared.driver.driving():
        run = await shared.add()
        shared.bot.installations.client(run.repository, run.installation).patience = 0.05

        async def is_left() -> bool:
            now = await shared.now(run)
            return now.epoch > 0 and now.driver == ""

        await eventually(is_left, 10)
