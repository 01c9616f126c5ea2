"""The rows of the processes that share a database: who is alive, and who does what for all of them.

Whoever has not been seen for a while counts as dead, by the database's clock, and what it has taken is free. It may
live all the same, and only have been held up: then its writes are fenced by the epoch of each run.

All methods raise `DatabaseUnavailable`; they are for PostgreSQL, since an SQLite file has one process.
"""

from typing import Final

from sqlalchemy import Float, Select, delete, literal_column, select, update

from bot.store.database import Database, insert
from bot.store.runs import UNFINISHED
from bot.store.schema import duties, replicas, runs

SILENT_FOR: Final = 6.0
"""Seconds after which a replica that has not been seen counts as dead: three times the pause between its beats."""
FORGOTTEN_AFTER: Final = 3600.0

_NOW: Final = literal_column("extract(epoch from clock_timestamp())", Float)


def _alive(silent_for: float) -> Select[str]:
    return select(replicas.c.id).where(replicas.c.seen_at > _NOW - silent_for)


class ReplicaRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, replica: str) -> None:
        """The replica is alive. Said on a connection of its own: it must not wait for those who work."""
        beating = insert(replicas).values(id=replica, seen_at=_NOW)
        beating = beating.on_conflict_do_update(index_elements=["id"], set_={"seen_at": _NOW})
        async with self._database.writing_apart() as connection:
            await connection.execute(beating)

    async def leave(self, replica: str) -> None:
        """The replica is about to end: what it has taken is free at once, and long dead ones are forgotten."""
        async with self._database.writing() as connection:
            driven = update(runs).where(runs.c.driver == replica, UNFINISHED)
            await connection.execute(driven.values(driver=""))
            await connection.execute(delete(duties).where(duties.c.replica == replica))
            is_over = (replicas.c.id == replica) | (replicas.c.seen_at < _NOW - FORGOTTEN_AFTER)
            await connection.execute(delete(replicas).where(is_over))

    async def alive(self, silent_for: float = SILENT_FOR) -> frozenset[str]:
        """All that have been seen within so many seconds."""
        async with self._database.reading() as connection:
            return frozenset((await connection.execute(_alive(silent_for))).scalars())

    async def take(self, duty: str, replica: str, silent_for: float = SILENT_FOR) -> bool:
        """Take a duty, or keep it.

        Args:
            silent_for: seconds after which another one that has it counts as dead.

        Returns:
            False if another one that is alive has it.
        """
        taking = insert(duties).values(name=duty, replica=replica)
        taking = taking.on_conflict_do_update(
            index_elements=["name"],
            set_={"replica": replica},
            where=(duties.c.replica == replica) | duties.c.replica.not_in(_alive(silent_for)),
        )
        async with self._database.writing() as connection:
            return (await connection.execute(taking)).rowcount == 1

    async def duties(self) -> dict[str, str]:
        """Who has which."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(duties.c.name, duties.c.replica))).all()
        return {row.name: row.replica for row in found}
