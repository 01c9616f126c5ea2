"""A request for a sandbox whose answer nobody saw is not forgotten before it is known what it has made."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from automation.backends import cloud as cloud_module
from automation.backends import giving_back, lost_sandbox
from automation.backends.lost_answer import LostAnswer
from automation.errors import Misconfigured
from automation.reasons import Reason
from automation.settings import Settings
from bot.runs import orphans, sandboxes
from bot.runs.drive import Drive
from bot.runs.live import LiveRun
from bot.runs.orphans import Orphans
from bot.runs.run import Run, State
from bot.runs.sandboxes import SandboxMemo, give_back_all
from tests.bot.runs.place import Place, opened
from tests.fakes.cloud.cloud import Box, FakeCloud
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.teller import eventually

HOUR = 3600.0


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, which are long for people, not for tests."""
    monkeypatch.setattr(cloud_module, "BETWEEN_TRIES", (0.01, 0.02))
    monkeypatch.setattr(giving_back, "PAUSES", ())
    monkeypatch.setattr(orphans, "EVERY", 0.2)


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        yield cloud


@pytest.fixture
async def place(github: FakeGitHub, cloud: FakeCloud, tmp_path: Path, _quick: None) -> AsyncIterator[Place]:
    """Its runs are in sandboxes of an account that nothing else uses."""
    core = Settings(
        cloud_api_url=cloud.url, cloud_api_key=cloud.key or "", is_cloud_dedicated=True, patience=30
    )
    async with opened(tmp_path, github, core=core) as place:
        yield place


def shares(place: Place) -> None:
    """From now on others use the account, too."""
    core = replace(place.bot.settings.core, is_cloud_dedicated=False)
    place.bot.settings = replace(place.bot.settings, core=core)


async def a_run(place: Place, **changes: object) -> Run:
    run = place.a_run(state=State.STARTING, **changes)
    assert await place.bot.store.runs.add(run)
    return run


async def asked(place: Place, cloud: FakeCloud, run: Run, ago: float = 0) -> float:
    """Its driver has died while it asked for a sandbox; when."""
    memo = await SandboxMemo.of(place.bot, run)
    memo.api_url = cloud.url
    await memo.asks(time.time() - ago)
    return memo.asked_at


async def asks_in_vain(place: Place, cloud: FakeCloud, run: Run, *, keeps: bool = False) -> Box:
    """Its driver gets a sandbox at the second try; the one of the first, which could not be looked for."""
    cloud.fault("create", cut=True, has_effect=True)
    cloud.fault("search", status=500)
    connection = await sandboxes.obtain(place.bot, run, keeps=keeps)
    if keeps:
        await sandboxes.keep(place.bot, run.id, str(connection.sandbox_id))
    lost, used = cloud.boxes
    assert used.id == connection.sandbox_id
    return lost


async def has_nothing_left(place: Place, run: Run) -> bool:
    return run.id not in await place.bot.store.secrets.of_ended()


class TestInAnAccountOfOurOwn:
    async def test_what_comes_late_is_deleted(self, place: Place, cloud: FakeCloud) -> None:
        run = await a_run(place)
        await asked(place, cloud, run)
        assert not await give_back_all(place.bot, run)
        cloud.others()
        assert await give_back_all(place.bot, run)
        assert cloud.boxes[0].deleted_at is not None

    @pytest.mark.parametrize(("ago", "is_over"), [(100, False), (130, True)])
    async def test_what_does_not_come_is_waited_for_as_long_as_it_may(
        self, place: Place, cloud: FakeCloud, ago: float, is_over: bool
    ) -> None:
        run = await a_run(place)
        await asked(place, cloud, run, ago)
        assert await give_back_all(place.bot, run) is is_over

    async def test_it_is_not_forgotten_while_the_api_does_not_say(
        self, place: Place, cloud: FakeCloud
    ) -> None:
        run = await a_run(place)
        made = cloud.others()
        made.created_at = await asked(place, cloud, run, 1000)
        for status in (500, 401):
            cloud.fault("search", status=status)
            assert not await give_back_all(place.bot, run)
        assert await give_back_all(place.bot, run)
        assert made.deleted_at is not None

    @pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
    async def test_what_cannot_be_taken_is_tried_for_an_hour_and_then_named_and_left(
        self,
        place: Place,
        cloud: FakeCloud,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        status: str,
    ) -> None:
        """It starts for ever, or its server does not answer."""
        caplog.set_level(logging.INFO)
        monkeypatch.setattr(lost_sandbox, "TAKEN_WITHIN", 0.3)
        cloud.gate_fault = lambda _: True
        made = cloud.others()
        made.status = status
        run = await a_run(place)
        made.created_at = await asked(place, cloud, run, 2 * HOUR)
        said = f"run {run.id}: an answer of the Cloud API was lost; what it may have made is among these: {made.id}"
        for later, is_left in ((0, False), (0, False), (HOUR - 60, False), (120, True)):
            place.bot.clock = replace(place.bot.clock, began_at=place.bot.clock.began_at + later)
            assert await give_back_all(place.bot, run) is is_left
            assert (said in caplog.text) is is_left
        assert made.deleted_at is None

    async def test_what_becomes_usable_is_deleted_after_all(
        self, place: Place, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lost_sandbox, "TAKEN_WITHIN", 0.3)
        cloud.gate_fault = lambda _: True
        made, run = cloud.others(), await a_run(place)
        made.created_at = await asked(place, cloud, run, 2 * HOUR)
        assert not await give_back_all(place.bot, run)
        cloud.clear_faults()
        monkeypatch.undo()
        assert await give_back_all(place.bot, run)
        assert made.deleted_at is not None

    async def test_it_is_never_left_while_the_api_does_not_say(self, place: Place, cloud: FakeCloud) -> None:
        run = await a_run(place)
        made = cloud.others()
        made.created_at = await asked(place, cloud, run, 4000)
        for _ in range(2):
            cloud.fault("search", status=500)
            assert not await give_back_all(place.bot, run)
        assert await give_back_all(place.bot, run)
        assert made.deleted_at is not None

    async def test_one_that_could_not_be_taken_before_the_next_one_was_made_is_deleted_at_the_end(
        self, place: Place, cloud: FakeCloud
    ) -> None:
        run = await a_run(place)
        await asks_in_vain(place, cloud, run)
        assert len(cloud.left) == 2
        assert await give_back_all(place.bot, run)
        assert cloud.left == []

    async def test_the_one_that_is_to_stay_stays(self, place: Place, cloud: FakeCloud) -> None:
        run = await a_run(place, is_ordered=True)
        lost = await asks_in_vain(place, cloud, run, keeps=True)
        assert await give_back_all(place.bot, run)
        assert lost.deleted_at is not None
        assert len(cloud.left) == 1


async def test_it_is_not_looked_for_in_another_cloud(
    place: Place, cloud: FakeCloud, server: RealServer
) -> None:
    run = await a_run(place)
    await asked(place, cloud, run)
    with FakeCloud(server) as another:
        core = replace(place.bot.settings.core, cloud_api_url=another.url)
        place.bot.settings = replace(place.bot.settings, core=core)
        assert not await give_back_all(place.bot, run)
        with pytest.raises(Misconfigured, match="not the Cloud any more"):
            await sandboxes.obtain(place.bot, run, keeps=False)
        assert another.calls == []


@pytest.mark.parametrize("is_dedicated", [True, False])
async def test_of_a_run_that_was_stopped_before_it_was_driven_again(
    place: Place,
    cloud: FakeCloud,
    monkeypatch: pytest.MonkeyPatch,
    is_dedicated: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is deleted where it can only be ours; elsewhere it is named and left."""
    caplog.set_level(logging.INFO)
    if not is_dedicated:
        shares(place)
    run = await a_run(place)
    asked_at = await asked(place, cloud, run)
    assert await place.bot.store.runs.ask_stop(run.id, "@alice", "cancelled")
    mine = await place.bot.store.runs.take(run.id)
    assert mine is not None
    await Drive(place.bot, LiveRun(mine)).advance()
    ended = await place.now(run)
    assert ended.state is State.ENDED
    assert ended.end is not None
    assert ended.end.reason is Reason.CANCELLED
    made = cloud.others()
    made.created_at = asked_at
    monkeypatch.setattr(LostAnswer, "is_over", lambda *_: True)
    task = asyncio.create_task(Orphans(place.bot).sweep_for_ever())
    try:
        await eventually(lambda: has_nothing_left(place, run))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (made.deleted_at is not None) is is_dedicated
    said = f"what it may have made is among these: {made.id}"
    assert is_dedicated or said in caplog.text
