"""The inbox: what is taken in is on the disk.

GitHub does not repeat a delivery by itself, so "taken" is said only after a commit with `synchronous=FULL`. A
commit waits for the disk, so deliveries that come at once share one: a single writer commits all that wait,
answers them, and looks again. Where one of them cannot be stored, each is tried by itself, so that none fails
for its neighbour's sake.

A delivery that is not taken is not remembered, so it may be delivered again; so may one that was given up while
its commit was under way, and it is then known already.

Source: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from automation.errors import AutomationError
from automation.reasons import Reason
from bot.inbox.received import delivery_of
from bot.log_context import about
from bot.store.database import Database
from bot.store.deliveries import TURN, Delivery, DeliveryRows
from bot.store.errors import DatabaseUnavailable

ROOM = 1000
"""Deliveries that may wait; more are turned away, which is better than answering too late."""

SHARED = 100
"""Most deliveries in one commit."""

MOMENT = 0.003
"""Seconds that a commit waits for company: about what it takes itself."""

PATIENCE = 8.0
"""Seconds that a delivery may wait: GitHub hangs up after 10.

Source: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

LAST = 2.0
"""Seconds at the end to store what still waits."""

SHUTTING_DOWN = "The bot is shutting down; deliver this again when it is back"

log = logging.getLogger(__name__)

type IsWanted = Callable[[str, Mapping[str, Any]], bool]


class NotTaken(AutomationError):
    """The inbox cannot take a delivery now, and has not."""

    reason = Reason.INTERNAL_ERROR


@dataclass(frozen=True)
class _Waiting:
    delivery: Delivery
    taken: asyncio.Future[bool]


class Inbox:
    """See `open`.

    Attributes:
        arrived: set when there is a new request; whoever deals with requests clears it.
    """

    def __init__(
        self,
        database: Database,
        is_wanted: IsWanted,
        on_request: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self.arrived = asyncio.Event()
        self._on_request = on_request
        self._database = database
        self._rows = DeliveryRows(database)
        self._is_wanted = is_wanted
        self._waiting: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._is_closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        is_wanted: IsWanted,
        on_request: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> AsyncIterator["Inbox"]:
        """An inbox that takes deliveries, for the body of an `async with`; what waits at its end is still stored.

        Args:
            is_wanted: whether an event, of this name and with this payload, asks for something.
            on_request: called when there is a new request; others may deal with them.
            now: Unix time in seconds.
        """
        inbox = cls(database, is_wanted, on_request, now)
        writer = asyncio.create_task(inbox._write())
        try:
            yield inbox
        finally:
            inbox.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await writer

    def close(self) -> None:
        """Take nothing more. What waits already is stored and answered."""
        self._is_closed = True
        self._news.set()

    @property
    def is_open(self) -> bool:
        return not self._is_closed

    @property
    def waiting(self) -> int:
        """How many deliveries are not stored yet."""
        return len(self._waiting)

    async def take(
        self,
        guid: str,
        event: str,
        payload: Mapping[str, Any],
        body: bytes,
        *,
        sent_at: float | None = None,
    ) -> bool:
        """Store a delivery; it is on the disk when this returns.

        Args:
            guid: its `X-GitHub-Delivery`; event: its `X-GitHub-Event`.
            payload: the body, parsed.
            sent_at: Unix time at which GitHub sent it first, where that was not just now.

        Returns:
            False if it had been taken before; nothing has been changed then.

        Raises:
            NotTaken: the bot is shutting down, too many are waiting, or the database does not take it.
        """
        if self._is_closed:
            raise NotTaken(SHUTTING_DOWN)
        if len(self._waiting) >= ROOM:
            raise NotTaken("Too many deliveries are waiting to be stored; deliver this again later")
        is_request = self._is_wanted(event, payload)
        taken = asyncio.get_running_loop().create_future()
        at = self._now() if sent_at is None else sent_at
        delivery = delivery_of(guid, event, payload, body, at, is_request=is_request)
        self._waiting.append(_Waiting(delivery, taken))
        self._news.set()
        try:
            async with asyncio.timeout(PATIENCE):
                return bool(await taken)
        except TimeoutError:
            raise NotTaken(f"The delivery could not be stored within {PATIENCE:.0f} s") from None

    async def _write(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting or not self._is_closed:
                await self._gather(company=len(batch))
                batch = list(islice(self._waiting, SHARED))
                await self._commit(batch)
                for _each in batch:
                    self._waiting.popleft()
        finally:
            self.close()
            _refuse(self._waiting, SHUTTING_DOWN)

    async def _gather(self, company: int) -> None:
        """Wait for one, and then a moment for as many as came the last time: who comes alone does not wait.

        Otherwise, where each of many senders waits for its answer, the first one to come back would have a
        commit to itself, and all others wait for it.
        """
        while not self._waiting and not self._is_closed:
            self._news.clear()
            await self._news.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                while len(self._waiting) < company and not self._is_closed:
                    self._news.clear()
                    await self._news.wait()

    async def _commit(self, waiting: Sequence[_Waiting]) -> None:
        """Store all of these in one transaction, or else each by itself, and answer."""
        if not (waiting := _still(waiting)):
            return
        try:
            async with self._database.writing(TURN):
                # The database may have been locked for longer than they waited.
                waiting = _still(waiting)
                new = await self._rows.add([each.delivery for each in waiting])
        except (DatabaseUnavailable, SQLAlchemyError, ValueError, OverflowError) as error:
            if len(waiting) > 1:
                for each in waiting:
                    await self._commit([each])
                return
            for each in waiting:
                delivery = each.delivery
                with about(delivery=delivery.guid, repository=delivery.repository):
                    log.warning("%s is not stored: %s", delivery.guid, error)
            _refuse(waiting, "The database does not take the delivery; the bot's log says why")
            return
        self._answer(waiting, new)

    def _answer(self, waiting: Sequence[_Waiting], new: frozenset[str]) -> None:
        """Of several with the same GUID the first one is new."""
        answered: set[str] = set()
        for each in waiting:
            guid = each.delivery.guid
            is_new = guid in new and guid not in answered
            answered.add(guid)
            if guid in new and each.delivery.is_request:
                self.arrived.set()
                self._on_request()
            if not each.taken.done():
                each.taken.set_result(is_new)


def _still(waiting: Sequence[_Waiting]) -> list[_Waiting]:
    """Those that nobody has given up."""
    return [each for each in waiting if not each.taken.done()]


def _refuse(waiting: Iterable[_Waiting], sentence: str) -> None:
    for each in waiting:
        if not each.taken.done():
            each.taken.set_exception(NotTaken(sentence))
