"""What runs have left on their servers is looked after run by run: none keeps the others waiting."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import select, update

from bot.runs import connections
from bot.runs.orphans import Orphans
from bot.runs.run import Run, State
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
