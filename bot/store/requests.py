"""The rows of requests: deliveries that ask for something, until it is known what became of each.

Every method is a transaction of its own, or part of the one that its task is in (`Database.writing`).
All raise `DatabaseUnavailable`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, delete, exists, func, select, update

from bot.store.column import fit, unpacked
from bot.store.database import Database
from bot.store.schema import requests, runs


class RequestState(StrEnum):
    """Whether anything is left to do about a request."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Request:
    """A request as it waits.

    Attributes:
        delivery: GUID of the delivery; event: its `X-GitHub-Event`.
        tries: how often it has been put off.
        note: why, the last time.
        received_at: Unix time in seconds.
    """

    id: int
    delivery: str
    event: str
    payload: Mapping[str, Any]
    tries: int
    note: str
    received_at: float


class RequestRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: float, limit: int = 20) -> list[Request]:
        """Those whose time has come, the longest due first.

        Args:
            now: Unix time in seconds.
        """
        waiting = (
            select(requests)
            .where(requests.c.state == RequestState.PENDING, requests.c.due_at <= now)
            .order_by(requests.c.due_at, requests.c.id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(waiting)).mappings().all()
        return [_request(row) for row in rows]

    async def next_due(self) -> float | None:
        """The Unix time when the first one is due, None if nothing waits."""
        looking = select(func.min(requests.c.due_at)).where(requests.c.state == RequestState.PENDING)
        async with self._database.reading() as connection:
            first: float | None = (await connection.execute(looking)).scalar_one()
        return first

    async def done(self, request: int, note: str = "") -> None:
        """What it asked for is there, or never will be."""
        await self._note(request, note, state=RequestState.DONE)

    async def later(self, request: int, due_at: float, note: str) -> None:
        """It could not be dealt with now.

        Args:
            due_at: Unix time in seconds to try again.
            note: why.
        """
        await self._note(request, note, due_at=due_at, tries=requests.c.tries + 1)

    async def failed(self, request: int, note: str) -> None:
        """It has been tried often enough."""
        await self._note(request, note, state=RequestState.FAILED)

    async def prune(self, before: float, limit: int = 500) -> int:
        """Forget those that were received before a Unix time, of which neither anything is left to do nor a run.

        Args:
            limit: most at once, so that others get their turn; who gets as many back calls again.

        Returns:
            How many were forgotten.
        """
        has_run = exists().where(runs.c.request == requests.c.id)
        is_over = requests.c.state != RequestState.PENDING
        old = select(requests.c.id).where(requests.c.received_at < before, is_over, ~has_run).limit(limit)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(requests).where(requests.c.id.in_(old)))).rowcount

    async def _note(self, request: int, note: str, **changes: Any) -> None:
        noting = update(requests).where(requests.c.id == request).values(note=fit(note), **changes)
        async with self._database.writing() as connection:
            await connection.execute(noting)


def _request(row: RowMapping) -> Request:
    return Request(
        id=row["id"],
        delivery=row["delivery"],
        event=row["event"],
        payload=json.loads(unpacked(row["payload"])),
        tries=row["tries"],
        note=row["note"],
        received_at=row["received_at"],
    )
