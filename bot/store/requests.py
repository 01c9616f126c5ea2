"""The rows of requests: deliveries that ask for something, until it is known what became of each.

Every method is a transaction of its own, or part of the one that its task is in (`Database.writing`).
All raise `DatabaseUnavailable`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select, update

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
    """A request as it waits; its payload, which may be large, is read when it is dealt with.

    Attributes:
        delivery: GUID of the delivery; event: its `X-GitHub-Event`.
        repository: full name; sender: login of who caused it, empty for nobody.
        tries: how often it has been put off.
        note: why, the last time.
        received_at: Unix time in seconds at which GitHub sent it.
    """

    id: int
    delivery: str
    event: str
    repository: str
    sender: str
    tries: int
    note: str
    received_at: float


class RequestRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(
        self, now: float, limit: int = 20, *, busy: Collection[int] = (), each: int | None = None
    ) -> list[Request]:
        """The first of each lane whose time has come, the longest due first.

        What has been put off holds up those behind it in its lane: they came later.

        Args:
            now: Unix time in seconds.
            busy: those that are being dealt with, and hold up their lanes, too.
            each: most of one repository.
        """
        turn = func.row_number().over(
            partition_by=requests.c.repository, order_by=(requests.c.due_at, requests.c.id)
        )
        ready = (
            select(requests.c.id, turn.label("turn"))
            .where(_is_first(), requests.c.due_at <= now, requests.c.id.not_in(busy))
            .subquery()
        )
        waiting = (
            select(*(requests.c[field.name] for field in fields(Request)))
            .join(ready, ready.c.id == requests.c.id)
            .where(ready.c.turn <= (limit if each is None else each))
            .order_by(requests.c.due_at, requests.c.id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [Request(**row) for row in (await connection.execute(waiting)).mappings()]

    async def next_due(self) -> float | None:
        """The Unix time when the first one of a lane is due, None if nothing waits."""
        looking = select(func.min(requests.c.due_at)).where(_is_first())
        async with self._database.reading() as connection:
            first: float | None = (await connection.execute(looking)).scalar_one()
        return first

    async def oldest(self) -> float | None:
        """The Unix time at which the oldest one was sent that nobody has dealt with, None if nothing waits."""
        looking = select(func.min(requests.c.received_at)).where(requests.c.state == RequestState.PENDING)
        async with self._database.reading() as connection:
            first: float | None = (await connection.execute(looking)).scalar_one()
        return first

    async def payload(self, request: int) -> Any:
        """What GitHub has sent, parsed."""
        looking = select(requests.c.payload).where(requests.c.id == request)
        async with self._database.reading() as connection:
            return json.loads(unpacked((await connection.execute(looking)).scalar_one()))

    async def count_before(self, request: Request, seconds: float) -> int:
        """How many of the same kind of event came from the same sender in the same repository, so long before it."""
        like = (
            *(requests.c[name] == getattr(request, name) for name in ("repository", "sender", "event")),
            requests.c.received_at > request.received_at - seconds,
            requests.c.id < request.id,
        )
        counting = select(func.count()).select_from(requests).where(*like)
        async with self._database.reading() as connection:
            return (await connection.execute(counting)).scalar_one()

    async def pending_since(self, request: int) -> float | None:
        """The Unix time at which GitHub sent it; None if it has been dealt with."""
        looking = select(requests.c.received_at).where(
            requests.c.id == request, requests.c.state == RequestState.PENDING
        )
        async with self._database.reading() as connection:
            since: float | None = (await connection.execute(looking)).scalar_one_or_none()
        return since

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
        """Of two who deal with it, as when one was held up, the first to say so has the word."""
        is_pending = requests.c.state == RequestState.PENDING
        noting = update(requests).where(requests.c.id == request, is_pending)
        async with self._database.writing() as connection:
            await connection.execute(noting.values(note=fit(note), **changes))


def _is_first() -> ColumnElement[bool]:
    """Nothing is left to do before it in its lane; what has arrived late has its place by when it was sent."""
    place = func.row_number().over(
        partition_by=requests.c.lane, order_by=(requests.c.received_at, requests.c.id)
    )
    placed = (
        select(requests.c.id, place.label("place")).where(requests.c.state == RequestState.PENDING).subquery()
    )
    return requests.c.id.in_(select(placed.c.id).where(placed.c.place == 1))
