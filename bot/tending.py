"""Supervised background tasks: an unexpected error is logged and the task restarted."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.metrics import Metrics

AGAIN_AFTER = 5.0
ENDED_WITHIN = 2.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def tending(
    name: str, work: Callable[[], Awaitable[None]], metrics: Metrics, *, again_after: float | None = None
) -> AsyncIterator[None]:
    """Have the work done for as long as the context lasts; begun again where it ends by itself.

    Args:
        again_after: seconds between its end and its next beginning, for work that cannot wait as long as others.
    """
    task = asyncio.create_task(_tend(name, work, metrics, again_after), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=ENDED_WITHIN)


async def _tend(
    name: str, work: Callable[[], Awaitable[None]], metrics: Metrics, again_after: float | None
) -> None:
    while True:
        try:
            await work()
        except Exception:  # the outermost: one defect must not end what all depend on
            metrics.defects.labels(name).inc()
            log.exception("%s: a defect of automation-bot", name)
        await asyncio.sleep(AGAIN_AFTER if again_after is None else again_after)
