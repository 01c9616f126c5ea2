"""One process among those that share its database: it shows that it is alive, and takes duties.

A duty is what one replica does for all of them, for ever: dealing with requests, reading missed deliveries, looking
for orphans. Whoever has it keeps it; when it has not been seen for six seconds, or leaves, another one takes it. For
a moment two may be at one duty: all that they do is find-or-create.

With an SQLite file there is one process, which has every duty.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from automation.errors import AutomationError
from bot.store.store import Store

BEAT_EVERY: Final = 2.0
LEFT_WITHIN: Final = 3.0

log = logging.getLogger(__name__)


@dataclass
class Replicas:
    """The one that we are, and the others.

    Attributes:
        id: of this process; another one after each start.
    """

    store: Store
    id: str = field(default_factory=lambda: secrets.token_hex(6))

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
        return await self.store.replicas.alive() - {self.id}

    @asynccontextmanager
    async def among(self) -> AsyncIterator[None]:
        """Be one of them for as long as the context lasts; then all that this one has taken is free."""
        if not self.is_shared:
            yield
            return
        await self.store.replicas.beat(self.id)
        beating = asyncio.create_task(self._beat(), name="beat")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self._leave()

    async def on_duty(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do this work for as long as it is this one's duty, for ever; until cancelled."""
        if not self.is_shared:
            await work()
            return
        while True:
            if await self._takes(name):
                log.info("on duty: %s", name)
                await self._work(name, work)
                log.info("not on duty any more: %s", name)
            await asyncio.sleep(BEAT_EVERY)

    async def _work(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Until another one has the duty, or the work ends."""
        working = asyncio.ensure_future(work())
        try:
            while await self._takes(name) and not working.done():
                await asyncio.wait([working], timeout=BEAT_EVERY)
            if working.done():
                working.result()
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def _takes(self, name: str) -> bool:
        try:
            return await self.store.replicas.take(name, self.id)
        except AutomationError as error:
            log.warning("%s waits: %s", name, error.sentence)
            return False

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY)
            try:
                await self.store.replicas.beat(self.id)
            except AutomationError as error:
                log.warning("other replicas may take over: %s", error.sentence)

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LEFT_WITHIN):
                await self.store.replicas.leave(self.id)
        except (AutomationError, TimeoutError) as error:
            log.warning("others take over in a while: %s", error)
