"""What runs have left on their servers is looked after run by run: none keeps the others waiting."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import select, update

from bot.bot import Bot
from bot.runs import connections, orphans
from bot.runs.orphans import Orphans
from bot.runs.run import Run, State
from bot.runs.sandboxes import SandboxMemo
from bot.store.schema import runs
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS
from tests.teller import eventually


async def an_orphan(place: Place, number: int) -> Run:
    """A run that has ended and whose server is still remembered."""
    run = place.a_run(id=UUID(int=number), is_ordered=True, state=State.ENDED, end=SUCCESS)
    assert await place.bot.store.runs.add(run)
    there = connections.sealed(place.bot, run, place.bot.agent_server(is_fork=False))
    await place.bot.store.secrets.keep(run.id, there)
    return run


async def ends_in_a_newer_way(place: Place, run: Run) -> None:
    """Its row is as a newer version of the bot may have written it."""
    its = runs.c.id == str(run.id)
    async with place.bot.store.database.writing() as connection:
        detail = json.loads((await connection.execute(select(runs.c.detail).where(its))).scalar_one())
        detail["end"]["reason"] = "newer"
        await connection.execute(update(runs).where(its).values(detail=json.dumps(detail)))


@asynccontextmanager
async def looked_after(place: Place) -> AsyncIterator[None]:
    task = asyncio.create_task(Orphans(place.bot).sweep_for_ever())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_cannot_be_read_is_left_and_holds_up_no_others(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    newer, orphan = await an_orphan(place, 1), await an_orphan(place, 2)
    await ends_in_a_newer_way(place, newer)
    assert await place.bot.store.secrets.of_ended() == [newer.id, orphan.id]

    async def is_settled() -> bool:
        return await place.bot.store.secrets.of_ended() == [newer.id]

    async with looked_after(place):
        await eventually(is_settled)
    assert f"run {newer.id} cannot be read" in caplog.text


async def test_those_that_take_long_hold_up_neither_the_others_nor_the_next_sweep(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for a Cloud, and there are more of them than are looked after at one time."""
    monkeypatch.setattr(orphans, "EVERY", 0.05)
    monkeypatch.setattr(orphans, "AWAITED", 0.05)
    begun = []

    async def never(_bot: Bot, run: Run, _deleted: object) -> bool:
        begun.append(run.id)
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(orphans, "give_back_all", never)
    waiting = [await an_orphan(place, number) for number in range(1, 3 + orphans.AT_ONCE)]
    for run in waiting:
        await SandboxMemo(place.bot, run).asks(1)

    async def is_settled() -> bool:
        return set(await place.bot.store.secrets.of_ended()) == {each.id for each in waiting}

    await an_orphan(place, 50)
    async with looked_after(place):
        await eventually(is_settled)
        await an_orphan(place, 51)
        assert not await is_settled()
        await eventually(is_settled)
    assert len(begun) == len(set(begun)) == orphans.AT_ONCE


async def test_one_that_fails_as_nobody_expects_is_told_of_and_holds_up_no_others(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(orphans, "EVERY", 0.05)
    failing, orphan = await an_orphan(place, 1), await an_orphan(place, 2)
    await SandboxMemo(place.bot, failing).asks(1)

    async def fail(_bot: Bot, _run: Run, _deleted: object) -> bool:
        raise KeyError("a defect")

    monkeypatch.setattr(orphans, "give_back_all", fail)

    async def is_settled() -> bool:
        return orphan.id not in await place.bot.store.secrets.of_ended()

    async with looked_after(place):
        await eventually(is_settled)
        await eventually(lambda: caplog.text.count("KeyError: 'a defect'") > 1)
