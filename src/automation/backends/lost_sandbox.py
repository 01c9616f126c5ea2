"""What a request has made whose answer nobody saw, looked for when its run is over."""

import asyncio
import time
from typing import Final

from automation.backends.cloud import CloudSandbox
from automation.backends.giving_back import WITHIN
from automation.backends.lost_answer import LostAnswer
from automation.cloud import Cloud, SandboxFailed
from automation.errors import AutomationError

TAKEN_WITHIN: Final = WITHIN
"""Seconds for all that it may have made to become usable and to be marked."""


async def settle_lost(sandbox: CloudSandbox, asked_at: float, *, gives_up: bool = False) -> bool:
    """Take it into the ledger, to be deleted, in an account where nobody else makes any; elsewhere name it.

    Args:
        sandbox: whose request it was.
        asked_at: Unix time by the API's clock.
        gives_up: what cannot be taken this time, either, is named and left.

    Returns:
        False if it may still come to be, because a server can be about a request for a while.

    Raises:
        SandboxFailed: there is one that may be it, and that could not be taken.
        AutomationError, TimeoutError: the API does not say.
    """
    lost = LostAnswer.of(asked_at)
    looked_at = time.time()
    async with Cloud(sandbox.account) as cloud:
        async with asyncio.timeout(WITHIN):
            # Before it is tried: nothing is given up in a moment in which the API does not say.
            suspicion = await lost.suspicion(cloud, sandbox.ledger.sandboxes)
        is_over = lost.is_over(looked_at + cloud.ahead)
        if sandbox.account.is_dedicated:
            try:
                async with asyncio.timeout(TAKEN_WITHIN):
                    return await sandbox.claim(cloud, lost) or is_over
            except (AutomationError, TimeoutError) as error:
                if not gives_up:
                    raise SandboxFailed(f"it does not become usable: {error}") from error
        elif not is_over:
            return False
        sandbox.note(suspicion)
        return True
