"""What a request has made whose answer nobody saw, looked for when its run is over."""

import time

from automation.backends.cloud import CloudSandbox
from automation.backends.lost_answer import LostAnswer
from automation.cloud import Cloud


async def settle_lost(sandbox: CloudSandbox, asked_at: float) -> bool:
    """Take it into the ledger, to be deleted, in an account where nobody else makes any; elsewhere name it.

    Args:
        sandbox: whose request it was.
        asked_at: Unix time by the API's clock.

    Returns:
        False if it may still come to be, because a server can be about a request for a while.

    Raises:
        AutomationError: the API does not say, or there may be one that could not be taken.
    """
    lost = LostAnswer.of(asked_at)
    looked_at = time.time()
    async with Cloud(sandbox.account) as cloud:
        if sandbox.account.is_dedicated:
            return await sandbox.claim(cloud, lost) or lost.is_over(looked_at + cloud.ahead)
        suspicion = await lost.suspicion(cloud, sandbox.ledger.sandboxes)
        if not lost.is_over(looked_at + cloud.ahead):
            return False
        sandbox.note(suspicion)
        return True
