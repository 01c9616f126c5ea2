"""The one-time `state` of the manifest flow: whoever comes back is whoever was sent. Pure but for randomness.

A state is good once, for one hour, and only in the browser that it was made for. What is remembered is bounded:
the oldest is forgotten first.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LIFETIME: Final = 3600.0
"""Seconds; GitHub's own code for the conversion lasts as long."""
MOST: Final = 100


class Redeemed(StrEnum):
    """What became of a state that somebody brought."""

    GOOD = "good"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class _Issued:
    browser: bytes
    expires: float


class States:
    """The states that are under way.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._issued: OrderedDict[str, _Issued] = OrderedDict()

    def issue(self, browser: str) -> str:
        """A new state for the browser with this cookie."""
        state = secrets.token_urlsafe(32)
        self._issued[state] = _Issued(_digest(browser), self._clock() + LIFETIME)
        while len(self._issued) > MOST:
            self._issued.popitem(last=False)
        return state

    def redeem(self, state: str, browser: str) -> Redeemed:
        """Use a state up; in a foreign browser it stays good for its own one."""
        issued = self._issued.get(state)
        if issued is None:
            return Redeemed.UNKNOWN
        if not hmac.compare_digest(issued.browser, _digest(browser)):
            return Redeemed.FOREIGN
        del self._issued[state]
        return Redeemed.GOOD if self._clock() <= issued.expires else Redeemed.EXPIRED


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
