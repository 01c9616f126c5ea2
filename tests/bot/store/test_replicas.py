"""Who is alive, and who has which duty, by the database's clock."""

import pytest

from bot.runs.run import State
from bot.store import Database
from bot.store import replicas as module
from bot.store.replicas import ReplicaRows
from bot.store.runs import RunRows
from tests.bot.store.rows import a_run


@pytest.fixture
def address(on_postgresql: str) -> str:
    return on_postgresql


@pytest.fixture
def rows(database: Database) -> ReplicaRows:
    return ReplicaRows(database)


async def silent(database: Database, replica: str, seconds: float = module.SILENT_FOR) -> None:
    """It has not been seen for so long."""
    async with database.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE replicas SET seen_at = seen_at - %s WHERE id = %s", (seconds, replica)
        )


async def test_who_beats_is_alive(database: Database, rows: ReplicaRows) -> None:
    assert await rows.alive() == set()
    await rows.beat("a")
    await rows.beat("b")
    assert await rows.alive() == {"a", "b"}
    await silent(database, "a")
    assert await rows.alive() == {"b"}
    await rows.beat("a")
    assert await rows.alive() == {"a", "b"}


async def test_a_duty_is_one_replicas_until_it_is_silent_or_leaves(
    database: Database, rows: ReplicaRows
) -> None:
    for replica in ("a", "b"):
        await rows.beat(replica)
    assert await rows.take("requests", "a")
    assert await rows.take("requests", "a")
    assert not await rows.take("requests", "b")
    await silent(database, "a")
    assert await rows.take("requests", "b")
    await rows.beat("a")
    assert not await rows.take("requests", "a")
    await rows.leave("b")
    assert await rows.take("requests", "a")
    assert await rows.duties() == {"requests": "a"}


async def test_who_leaves_leaves_its_runs(database: Database, rows: ReplicaRows) -> None:
    runs, mine, other = RunRows(database), a_run(), a_run()
    for run, replica in ((mine, "a"), (other, "b")):
        await rows.beat(replica)
        await runs.add(run)
        assert await runs.take(run.id, replica)
    await rows.leave("a")
    assert {each.id: each.driver for each in await runs.unfinished()} == {mine.id: "", other.id: "b"}


async def test_the_dead_are_forgotten(database: Database, rows: ReplicaRows) -> None:
    for replica in ("a", "b", "c"):
        await rows.beat(replica)
    await silent(database, "a", module.FORGOTTEN_AFTER + 1)
    await rows.leave("c")
    async with database.reading() as connection:
        found = await connection.exec_driver_sql("SELECT id FROM replicas")
        assert set(found.scalars()) == {"b"}


async def test_what_another_one_that_is_alive_drives_is_not_taken(database: Database) -> None:
    runs, run = RunRows(database), a_run()
    await runs.add(run)
    assert await runs.take(run.id, "a")
    assert await runs.take(run.id, "b", others={"a"}) is None
    taken = await runs.take(run.id, "b", others={"c"}, goes=True)
    assert taken is not None
    assert (taken.driver, taken.epoch, taken.state) == ("b", 2, State.STARTING)
    await runs.leave(taken)
    [left] = await runs.unfinished()
    assert left.driver == ""
