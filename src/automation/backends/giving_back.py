"""The deletion of a sandbox, with tries, in bounded time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from automation.cloud import Cloud, CloudUnavailable

PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between two tries."""
WITHIN: Final = 60.0
"""Seconds that it may take."""
HURRIED: Final = 5.0
"""The same, where somebody does not want to wait."""


async def give_back(cloud: Cloud, sandbox_id: str, within: float = WITHIN) -> None:
    """Delete a sandbox; one that is gone is no error. Repeatable.

    Raises:
        CloudUnavailable: it may still be there.
        CloudRefuses: the API says no.
    """
    try:
        async with asyncio.timeout(within):
            await persist(partial(cloud.delete, sandbox_id), within)
    except TimeoutError:
        raise CloudUnavailable(
            f"the Cloud API at {cloud.account.url} does not answer within {within:g} s", is_lost=True
        ) from None


async def persist[T](ask: Callable[[], Awaitable[T]], within: float = WITHIN) -> T:
    """Ask, and again where it does not work now; raises what the last try does."""
    until = time.monotonic() + within
    for pause in PAUSES:
        try:
            return await ask()
        except CloudUnavailable as error:
            wait = max(pause, error.wait or 0)
            if time.monotonic() + wait > until:
                raise
            await asyncio.sleep(wait)
    return await ask()
