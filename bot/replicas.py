"""One process among those that share its database: it shows that it is alive, and takes duties.

A duty is what one replica does for all of them, for ever: dealing with requests, reading missed deliveries, looking
for orphans. Whoever has it keeps it; when it has not been seen for six seconds, or leaves, another one takes it. One
that was held up for longer may be at it for a moment beside its successor: what both make is found or made once.

While the database is away nobody is seen, and nobody is dead for that: who has not beaten for a while himself waits
until the others have had time to.

With an SQLite file there is one process, which has every duty.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from automation.errors import AutomationError
from bot.metrics import Metrics
from bot.store.replicas import SILENT_FOR
from bot.store.store import Store
from bot.tending import tending

BEAT_EVERY: Final = 2.0
"""Seconds between two signs of life."""
DUTY_EVERY: Final = 1.0
"""Seconds between two tries to take a duty that another one has: it may be dead."""
LEFT_WITHIN: Final = 3.0
"""Seconds at the end to give back what this one has taken."""

log = logging.getLogger(__name__)


@dataclass
class Replicas:
    """The one that we are, and the others.

    Attributes:
        id: of this process; another one after each start.
    """

    store: Store
    metrics: Metrics
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    _beaten_at: float = -math.inf
    _away_for: float = 0.0
    _back_at: float = -math.inf

    @property
    def is_shared(self) -> bool:
        return self.store.database.is_shared

    async def others(self) -> frozenset[str]:
        """All others that are alive.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        if not self.is_shared:
            return frozenset()
        return await self.store.replicas.alive(await self._silence()) - {self.id}

    async def _silence(self) -> float:
        """After how many seconds of silence another one is dead now."""
        if time.monotonic() - self._beaten_at > SILENT_FOR / 2:
            await self._beat()
        since = time.monotonic() - self._back_at
        return SILENT_FOR if since > SILENT_FOR else SILENT_FOR + self._away_for + since

    async def _beat(self) -> None:
        await self.store.replicas.beat(self.id)
        now, last, self._beaten_at = time.monotonic(), self._beaten_at, time.monotonic()
        if math.isfinite(last) and now - last > SILENT_FOR / 2:
            self._away_for, self._back_at = now - last, now

    @asynccontextmanager
    async def among(self) -> AsyncIterator[None]:
        """Be one of them for as long as the context lasts; then all that this one has taken is free."""
        if not self.is_shared:
            yield
            return
        await self._beat()
        try:
            # Begun again at once, for it begins with a pause: after a longer one this one would count as dead.
            async with tending("beat", self._beat_for_ever, self.metrics, again_after=0):
                yield
        finally:
            await self._leave()

    async def on_duty(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do this work for as long as it is this one's duty, for ever; until cancelled."""
        if not self.is_shared:
            await work()
            return
        while True:
            if await self._takes(name) is True:
                log.info("on duty: %s", name)
                await self._work(name, work)
                log.info("not on duty any more: %s", name)
            await asyncio.sleep(DUTY_EVERY)

    async def _work(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Until another one has the duty, or the work ends."""
        working = asyncio.ensure_future(work())
        has_it_until = time.monotonic() + SILENT_FOR
        try:
            while not working.done():
                takes = await self._takes(name)
                if takes:
                    has_it_until = time.monotonic() + SILENT_FOR
                elif takes is False or time.monotonic() > has_it_until:
                    break
                await asyncio.wait([working], timeout=BEAT_EVERY)
            if working.done():
                working.result()
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def _takes(self, name: str) -> bool | None:
        """Whether the duty is this one's; None while nobody knows."""
        try:
            return await self.store.replicas.take(name, self.id, await self._silence())
        except AutomationError as error:
            log.warning("%s: %s", name, error.sentence)
            return None

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY)
            try:
                await self._beat()
            except AutomationError as error:
                log.warning("other replicas may take over: %s", error.sentence)

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LEFT_WITHIN):
                await self.store.replicas.leave(self.id)
        except (AutomationError, TimeoutError) as error:
            log.warning("others take over in a while: %s", error)
