"""Work that must not be left half done."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from automation.errors import AutomationError


async def to_its_end[T](work: Coroutine[Any, Any, T]) -> T:
    """Wait for it however often we are cancelled meanwhile; then be cancelled."""
    task = asyncio.create_task(work)
    told: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            told = error
    if told is None:
        return task.result()
    with suppress(AutomationError):
        task.result()
    raise told
