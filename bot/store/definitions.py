"""What was found in a commit's definitions, so that an event that none of them waits for costs no call.

A commit does not change, so nothing of it ever becomes wrong; it is only forgotten when nobody asks any more.
"""

import json
from typing import Any

from sqlalchemy import delete, select, update

from bot.store.column import fit
from bot.store.database import Database, insert
from bot.store.schema import definitions

FRESH = 24 * 60 * 60
"""Seconds for which a use counts as the last one: a look-up is not worth a write each time."""


class DefinitionRows:
    """All methods raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, repository: str, sha: str, now: float) -> Any | None:
        """What was found there, None if nobody has looked.

        Args:
            now: Unix time in seconds.
        """
        here = definitions.c.repository == repository, definitions.c.sha == sha
        looking = select(definitions.c.found, definitions.c.at).where(*here)
        async with self._database.reading() as connection:
            row = (await connection.execute(looking)).one_or_none()
        if row is None:
            return None
        if row.at < now - FRESH:
            async with self._database.writing() as connection:
                await connection.execute(update(definitions).where(*here).values(at=now))
        return json.loads(row.found)

    async def keep(self, repository: str, sha: str, found: Any, now: float) -> None:
        """Remember what was found, as JSON."""
        shown = {"found": json.dumps(fit(found), ensure_ascii=False), "at": now}
        keeping = insert(definitions).values(repository=repository, sha=sha, **shown)
        async with self._database.writing() as connection:
            await connection.execute(
                keeping.on_conflict_do_update(index_elements=["repository", "sha"], set_=shown)
            )

    async def prune(self, before: float) -> int:
        """Forget what nobody has asked for since a Unix time; returns how many."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(definitions).where(definitions.c.at < before))).rowcount
