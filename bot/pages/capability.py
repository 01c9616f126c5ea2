"""The word in a link that shows one run to whoever has it: made from the run's id, kept nowhere. Pure.

It lets its bearer read, for as long as the run is kept, and nothing else. Whoever can read the check run has it.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from uuid import UUID

_BYTES = 18  # 144 bits: more than can be guessed, and 24 characters without padding


def capability_of(key: bytes, run_id: UUID) -> str:
    """The capability of a run, 24 characters that need no quoting in a URL.

    Args:
        key: secret, and of no other use.
    """
    digest = hmac.digest(key, b"run " + run_id.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode("ascii")


def is_capability(key: bytes, run_id: UUID, given: str) -> bool:
    """Whether `given` is the run's capability; takes as long wherever it differs."""
    return hmac.compare_digest(capability_of(key, run_id).encode(), given.encode("utf-8", "replace"))


def is_any_capability(keys: Iterable[bytes], run_id: UUID, given: str) -> bool:
    """Whether one of the keys made it: links outlive the rotation of a key."""
    return any(is_capability(key, run_id, given) for key in keys)
