"""What is forgotten when: runs with their output, and what GitHub would not deliver again."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from automation.errors import AutomationError
from bot.runs.sandboxes import KEPT
from bot.store.store import Store

DAY = 24 * 3600.0
RUNS_KEPT = 30 * DAY
DELIVERIES_KEPT = 8 * DAY
"""GitHub Enterprise Server delivers again for seven days.

Source: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""
REPLIES_KEPT = 90 * DAY
EVERY = 3600.0
AT_ONCE = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retention:
    """Forgets what is old, a little at a time."""

    store: Store
    now: Callable[[], float] = time.time

    async def forget_for_ever(self) -> None:
        """Once an hour, until cancelled."""
        while True:
            try:
                await self.forget(self.now())
            except AutomationError as error:
                log.warning("nothing could be forgotten: %s", error.sentence)
            await asyncio.sleep(EVERY)

    async def forget(self, now: float) -> None:
        """Forget what is old now: runs before the requests that they come from, and these before their deliveries."""
        while await self.store.runs.prune(now - RUNS_KEPT, AT_ONCE) == AT_ONCE:
            pass
        while await self.store.requests.prune(now - DELIVERIES_KEPT, AT_ONCE) == AT_ONCE:
            pass
        while await self.store.deliveries.prune(now - DELIVERIES_KEPT, AT_ONCE) == AT_ONCE:
            pass
        await self.store.facts.prune("completion")
        await self.store.facts.prune(KEPT)
        await self.store.deeds.prune(now - RUNS_KEPT)
        await self.store.replies.prune(now - REPLIES_KEPT)
        await self.store.definitions.prune(now - RUNS_KEPT)
