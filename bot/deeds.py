"""What the watchdog repaired by itself: counted, logged with its reason, kept for the operator."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from automation.errors import AutomationError
from bot.metrics import Metrics
from bot.store.deeds import Deed
from bot.store.store import Store

UNKEPT: Final = 200
"""Most that wait for a database that is away; the log has them all."""
AGAIN_AFTER: Final = 5.0

log = logging.getLogger(__name__)


@dataclass
class Deeds:
    """Those of this process; those of all are in the store."""

    store: Store
    metrics: Metrics
    now: Callable[[], float] = time.time
    _unkept: deque[Deed] = field(default_factory=lambda: deque(maxlen=UNKEPT))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, kind: str, sentence: str) -> None:
        """Something was done."""
        self.metrics.watchdog.labels(kind).inc()
        log.info("%s", sentence)
        self._unkept.append(Deed(self.now(), kind, sentence))
        self._news.set()

    async def keep_for_ever(self) -> None:
        """Keep what is noted, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.keep()
            except AutomationError as error:
                log.warning("not kept: %s", error.sentence)
                self._news.set()
                await asyncio.sleep(AGAIN_AFTER)

    async def keep(self) -> None:
        """Keep what has been noted.

        Raises:
            DatabaseUnavailable: it is kept the next time.
        """
        done = list(self._unkept)
        if done:
            await self.store.deeds.add(done)
            for _ in done:
                self._unkept.popleft()
