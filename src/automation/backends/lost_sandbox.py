"""What a request has made whose answer nobody saw, looked for when its run is over."""

import asyncio
import time

from automation.backends.cloud import CloudSandbox
from automation.backends.giving_back import WITHIN
from automation.backends.lost_answer import LostAnswer
from automation.cloud import Cloud
from automation.errors import AutomationError


async def settle_lost(sandbox: CloudSandbox, asked_at: float) -> bool:
    """Take it into the ledger, to be deleted, in an account where nobody else makes any; elsewhere name it.

    What cannot be taken for long, because it does not become usable, is named and left there, too.

    Args:
        sandbox: whose request it was.
        asked_at: Unix time by the API's clock.

    Returns:
        False if it may still come to be, because a server can be about a request for a while.

    Raises:
        AutomationError: the API does not say, or there may be one that could not be taken.
        TimeoutError: the same, for as long as one of them may take.
    """
    lost = LostAnswer.of(asked_at)
    looked_at = time.time()
    async with Cloud(sandbox.account) as cloud:
        async with asyncio.timeout(WITHIN):
            # Before it is tried: nothing is given up in a moment in which the API does not say.
            suspicion = await lost.suspicion(cloud, sandbox.ledger.sandboxes)
        now = looked_at + cloud.ahead
        if sandbox.account.is_dedicated:
            try:
                async with asyncio.timeout(WITHIN):
                    return await sandbox.claim(cloud, lost) or lost.is_over(now)
            except (AutomationError, TimeoutError):
                if not lost.is_given_up(now):
                    raise
        elif not lost.is_over(now):
            return False
        sandbox.note(suspicion)
        return True
