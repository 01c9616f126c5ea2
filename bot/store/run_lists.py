"""What is asked about all runs together, for those who look after them. Nothing is changed here.

All methods raise `DatabaseUnavailable`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from bot.runs.run import State
from bot.store.database import Database
from bot.store.run_row import DAY
from bot.store.schema import runs


@dataclass(frozen=True)
class Day:
    """How many runs were accepted on a day (UTC), and how they ended; those of no conclusion are under way."""

    date: date
    conclusions: dict[str, int]

    @property
    def runs(self) -> int:
        return sum(self.conclusions.values())


class RunLists:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def per_day(self, days: int, now: float) -> list[Day]:
        """The last days up to now, the oldest first, each of them."""
        today = int(now // DAY)
        counting = (
            select(runs.c.day, runs.c.conclusion, func.count())
            .where(runs.c.day > today - days, runs.c.day <= today)
            .group_by(runs.c.day, runs.c.conclusion)
        )
        counted: dict[int, dict[str, int]] = {day: {} for day in range(today - days + 1, today + 1)}
        async with self._database.reading() as connection:
            for day, conclusion, count in await connection.execute(counting):
                counted[day][conclusion] = count
        return [Day(datetime.fromtimestamp(day * DAY, UTC).date(), each) for day, each in counted.items()]

    async def count_since(
        self,
        repository: str,
        since: float,
        *,
        actor: str = "",
        pull_request: int | None = None,
        is_noted: bool = False,
    ) -> int:
        """How many runs of a repository have been accepted since a Unix time, by somebody or on a pull request.

        Args:
            is_noted: count in their place those that were never to run, and only say why: they have no lane.
        """
        like = [runs.c.repository == repository, runs.c.accepted_at >= since]
        like.append(runs.c.lane == "" if is_noted else runs.c.lane != "")
        if actor:
            like.append(runs.c.actor == actor)
        if pull_request is not None:
            like.append(runs.c.pull_request == pull_request)
        async with self._database.reading() as connection:
            return (
                await connection.execute(select(func.count()).select_from(runs).where(*like))
            ).scalar_one()

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
