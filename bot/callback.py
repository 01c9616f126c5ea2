"""What a run says of itself when it leaves the OpenHands SDK's workspace: `POST /api/v1/runs/{id}/complete?t=`.

It is believed to this extent: it wakes whoever drives the run, and `FAILED` can make a success worse once the
server's own record is there. `COMPLETED` proves nothing: the run's end is a fact on the server's disk.

Two senders of the SDK post here, with and without `Authorization`; both are known by the one-run token in the
address. Unknown keys are taken, too, so that a newer SDK is not turned away.
"""

import hashlib
import hmac
from uuid import UUID

from bot.bot import Bot


def callback_url(bot: Bot, run_id: UUID) -> str:
    """Where this one run reports; nobody else's token opens it."""
    token = token_of(bot.vault.derive("callbacks"), run_id)
    return f"{bot.settings.public_url}/api/v1/runs/{run_id}/complete?t={token}"


def callback_tokens(bot: Bot, run_id: UUID) -> list[str]:
    """All that open the run's callback: nobody is to read them in what a run prints."""
    return [token_of(key, run_id) for key in bot.vault.derive_all("callbacks")]


def token_of(key: bytes, run_id: UUID) -> str:
    return hmac.new(key, run_id.bytes, hashlib.sha256).hexdigest()


def is_token(keys: list[bytes], run_id: UUID, given: str) -> bool:
    """Whether the token is this run's, by one of the keys: runs go on while a key is rotated."""
    return any(hmac.compare_digest(token_of(key, run_id).encode(), given.encode()) for key in keys)
