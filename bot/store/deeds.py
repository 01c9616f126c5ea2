"""The rows of what was done that nobody asked for.

All methods raise `DatabaseUnavailable`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, select

from bot.store.column import fit
from bot.store.database import Database, insert
from bot.store.schema import deeds


@dataclass(frozen=True)
class Deed:
    """Something that was done.

    Attributes:
        at: Unix time in seconds.
        kind: of a closed set, for metrics.
        sentence: what, and why; redacted.
    """

    at: float
    kind: str
    sentence: str


class DeedRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, done: Sequence[Deed]) -> None:
        async with self._database.writing() as connection:
            await connection.execute(insert(deeds), [fit(asdict(each)) for each in done])

    async def last(self, limit: int = 50) -> list[Deed]:
        """The newest first."""
        shown = select(deeds.c.at, deeds.c.kind, deeds.c.sentence).order_by(
            deeds.c.at.desc(), deeds.c.id.desc()
        )
        async with self._database.reading() as connection:
            return [Deed(**row) for row in (await connection.execute(shown.limit(limit))).mappings()]

    async def prune(self, before: float) -> int:
        """Forget those from before a Unix time; returns how many."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(deeds).where(deeds.c.at < before))).rowcount
