"""The time between a sandbox that is being made and one that runs."""

import asyncio
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Final

from automation.backends.sandbox_connection import because
from automation.cloud import Cloud, CloudUnavailable, Sandbox, SandboxFailed, SandboxStatus

POLLS: Final = (1.0, 1.0, 1.5, 2.0, 3.0)
"""Seconds between two looks at a sandbox that starts, the last one for all that follow."""
STARTED_WITHIN: Final = 300.0
"""Source: the OpenHands SDK waits as long."""
LISTED_WITHIN: Final = 15.0
"""Seconds for which a new sandbox may not be listed yet."""
TOLD_EVERY: Final = 10.0


async def until_running(cloud: Cloud, sandbox: Sandbox, note: Callable[[str], None]) -> Sandbox:
    """Wait until it runs.

    Args:
        note: told in sentences that it takes long.

    Raises:
        SandboxFailed: it will not.
        CloudRefuses: the API says no.
    """
    began = told = time.monotonic()
    now: Sandbox | None = sandbox
    for pause in chain(POLLS, repeat(POLLS[-1])):
        waited = time.monotonic() - began
        if now is not None and now.is_usable:
            return now
        if now is not None and now.status is SandboxStatus.ERROR:
            raise SandboxFailed(f"the sandbox {sandbox.id} failed to start{because(now.why)}")
        if now is None and waited > LISTED_WITHIN:
            raise SandboxFailed(f"the sandbox {sandbox.id} was gone before it could be used")
        if waited > STARTED_WITHIN:
            raise SandboxFailed(f"the sandbox {sandbox.id} did not start in {STARTED_WITHIN:.0f} s")
        if time.monotonic() - told >= TOLD_EVERY:
            told = time.monotonic()
            note(f"the sandbox is starting ({waited:.0f} s)")
        await asyncio.sleep(pause)
        try:
            if now is not None and now.status is SandboxStatus.PAUSED:
                await cloud.resume(sandbox.id)
                now = now.model_copy(update={"status": SandboxStatus.STARTING})
            else:
                now = await cloud.get(sandbox.id)
        except CloudUnavailable as error:
            await asyncio.sleep(error.wait or 0)
    raise AssertionError
