"""Everything of one database into another one, which is empty; once.

All of it is one transaction of the new one. The old one is left as it is, but for a note of where it went, so that no
bot is started with it again by mistake. Whoever is interrupted between both calls again.
"""

from typing import Final

from sqlalchemy import Table, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from automation.errors import Misconfigured
from bot.store.database import Database
from bot.store.errors import SETTING
from bot.store.facts import Facts
from bot.store.schema import deeds, deliveries, duties, facts, metadata, replicas, requests, runs

MOVED_TO: Final = "moved-to"
"""The fact that says where everything went."""
INSTANCE: Final = "instance"
AT_ONCE: Final = 50
"""Rows; an output can have a megabyte."""
OF_PROCESSES: Final = frozenset({replicas, duties})


async def move(source: Database, target: Database, name: str) -> dict[str, int]:
    """Move everything.

    Args:
        name: of the target, as it may be shown.

    Returns:
        How many rows of each table; empty if it had been done before.

    Raises:
        Misconfigured: the target is another bot's.
    """
    there, here = Facts(source), Facts(target)
    instance = await there.get(INSTANCE)
    moved: dict[str, int] = {}
    if instance is None or await here.get(INSTANCE) != instance:
        async with source.reading() as reading, target.writing_patiently() as writing:
            await _must_be_empty(writing, name)
            for table in metadata.sorted_tables:
                if table not in OF_PROCESSES:
                    moved[table.name] = await _copy(reading, writing, table)
            if target.is_shared:
                await _count_on(writing)
    await there.put(MOVED_TO, name)
    return moved


async def refuse_moved(database: Database) -> None:
    """Make sure that this database is not what was left behind.

    Raises:
        Misconfigured: everything has been moved elsewhere.
    """
    moved_to = await Facts(database).get(MOVED_TO)
    if moved_to is not None:
        raise Misconfigured(
            f"{SETTING}: everything in this database was moved to {moved_to}. Set it to that one; with this one the "
            "bot would repeat what the other one has done"
        )


async def _must_be_empty(writing: AsyncConnection, name: str) -> None:
    for table in (deliveries, requests, runs, facts):
        if (await writing.execute(select(func.count()).select_from(table))).scalar_one():
            raise Misconfigured(
                f"{SETTING}: {name} is a bot's already, with {table.name} in it. Name an empty database"
            )


async def _copy(reading: AsyncConnection, writing: AsyncConnection, table: Table) -> int:
    copied = 0
    rows = (await reading.stream(select(table).order_by(*table.primary_key))).mappings()
    async for some in rows.partitions(AT_ONCE):
        kept = [dict(row) for row in some if table is not facts or row["name"] != MOVED_TO]
        if kept:
            await writing.execute(insert(table), kept)
        copied += len(kept)
    return copied


async def _count_on(writing: AsyncConnection) -> None:
    """New rows that are counted up come after those that have been moved."""
    for column in (requests.c.id, deeds.c.id):
        last = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        sequence = func.pg_get_serial_sequence(column.table.name, column.name)
        await writing.execute(select(func.setval(sequence, last, literal(value=False))))
