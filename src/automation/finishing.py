"""Work that must not be left half done."""

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from automation.errors import AutomationError


async def to_its_end[T](work: Coroutine[Any, Any, T], within: float = math.inf) -> T:
    """Wait for it however often we are cancelled meanwhile; then be cancelled.

    Args:
        within: seconds from then on after which it is cancelled, too, and gets the time to tidy up.
    """
    clock = asyncio.get_running_loop().time
    task = asyncio.create_task(work)
    told: asyncio.CancelledError | None = None
    ends_at = math.inf
    while not task.done():
        try:
            left = ends_at - clock()
            await asyncio.wait([task], timeout=None if left == math.inf else max(left, 0))
        except asyncio.CancelledError as error:
            if told is None:
                told, ends_at = error, clock() + within
        if clock() >= ends_at:
            task.cancel()
            ends_at = math.inf
    if told is None:
        return task.result()
    with suppress(AutomationError, asyncio.CancelledError):
        task.result()
    raise told
