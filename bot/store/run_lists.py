"""What is asked about all runs together, for those who look after them. Nothing is changed here.

All methods raise `DatabaseUnavailable`.
"""

from sqlalchemy import func, select

from bot.runs.run import State
from bot.store.database import Database
from bot.store.schema import runs


class RunLists:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def oldest_queued(self) -> float | None:
        """The Unix time at which the oldest one was accepted that waits for its turn, None if none does."""
        looking = select(func.min(runs.c.accepted_at)).where(runs.c.state == State.QUEUED)
        async with self._database.reading() as connection:
            first: float | None = (await connection.execute(looking)).scalar_one()
        return first

    async def heads_ended_since(self, since: float) -> list[tuple[str, int, str]]:
        """Repository, installation and commit of runs that have ended since a Unix time, the newest first."""
        shown = (runs.c.repository, runs.c.installation, runs.c.head_sha)
        ended = runs.c.state == State.ENDED, runs.c.ended_at >= since
        looking = select(*shown, func.max(runs.c.ended_at)).where(*ended).group_by(*shown)
        async with self._database.reading() as connection:
            rows = (await connection.execute(looking.order_by(func.max(runs.c.ended_at).desc()))).all()
        return [(repository, installation, sha) for repository, installation, sha, _ in rows]

    async def repositories(self, since: float) -> list[tuple[str, int]]:
        """Repositories with runs since a Unix time, each with its newest installation, the newest last."""
        newest = func.max(runs.c.accepted_at)
        looking = (
            select(runs.c.repository, runs.c.installation, newest)
            .where(runs.c.accepted_at >= since)
            .group_by(runs.c.repository, runs.c.installation)
            .order_by(newest)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(looking)).all()
        return list({repository: installation for repository, installation, _ in rows}.items())
