"""Rows read as runs.

Of a row that a newer version of the bot has written, and that cannot be read here, those that look for one run raise
ValueError; those that list runs leave it out.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from bot.runs.run import Run
from bot.store.database import Database
from bot.store.run_row import run_of
from bot.store.schema import runs

log = logging.getLogger(__name__)


class RunReader:
    """What all look-ups of runs have in common."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _one(self, *like: ColumnElement[bool]) -> Run | None:
        """The newest one; one that cannot be read is not taken for none: ValueError."""
        newest_first = runs.c.accepted_at.desc(), runs.c.id.desc()
        looking = select(runs).where(*like).order_by(*newest_first).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(looking)).mappings().one_or_none()
        return None if row is None else run_of({**row})

    async def _all(self, *like: ColumnElement[bool]) -> list[Run]:
        return await self._read(select(runs).where(*like).order_by(runs.c.accepted_at, runs.c.id))

    async def _newest(self, limit: int | None, *like: ColumnElement[bool]) -> list[Run]:
        newest_first = runs.c.accepted_at.desc(), runs.c.id.desc()
        return await self._read(select(runs).where(*like).order_by(*newest_first).limit(limit))

    async def _read(self, query: Select[Any]) -> list[Run]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return list(_readable(rows))


def _readable(rows: Sequence[Mapping[str, Any]]) -> Iterator[Run]:
    """Of one that a newer version of the bot has written as we cannot read it, that version takes care."""
    for row in rows:
        try:
            yield run_of(row)
        except ValueError:
            log.warning("run %s cannot be read", row["id"])
