"""What GitHub says of its limits with an answer. Pure.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Self

RATE_LIMITED: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
UNSAID: Final = 60.0
"""Seconds to wait where GitHub names a limit and no time."""
RESOURCE: Final = "core"
"""GraphQL, searches and others are counted apart."""


@dataclass(frozen=True)
class Allowance:
    """What one answer says.

    Attributes:
        limit: requests in a window, remaining: of these, None where it is not said.
        resets_in: seconds until the next window.
        closed_for: seconds for which GitHub wants no request at all; 0 unless it has refused this one.
    """

    limit: int | None = None
    remaining: int | None = None
    resets_in: float = 0
    closed_for: float = 0

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], said: str = "") -> Self:
        """From an answer's status, its headers (names in lower case) and its message."""
        closed_for = limit_wait(headers, said) if status in RATE_LIMITED else None
        is_counted = headers.get("x-ratelimit-resource", RESOURCE) == RESOURCE
        limit = _seconds(headers.get("x-ratelimit-limit")) if is_counted else None
        remaining = _seconds(headers.get("x-ratelimit-remaining")) if is_counted else None
        return cls(
            None if limit is None else int(limit),
            None if remaining is None else int(remaining),
            _until_reset(headers) or 0,
            closed_for or 0,
        )


def limit_wait(headers: Mapping[str, str], said: str) -> float | None:
    """For how many seconds a limit that refuses a request lasts; None if it is none that does.

    Args:
        said: GitHub's own words, empty for none.
    """
    if (after := asked_wait(headers)) is not None:
        return after
    if headers.get("x-ratelimit-remaining") == "0" and (lasts := _until_reset(headers)) is not None:
        return max(lasts, 1)
    return UNSAID if "rate limit" in said.lower() else None


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds to be left alone for, None if it does not say."""
    return _seconds(headers.get("retry-after"))


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """By GitHub's own clock, where the answer tells it: ours may be another."""
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if not reset:
        return None
    try:
        now = parsedate_to_datetime(headers.get("date") or "").timestamp()
    except (ValueError, OverflowError):
        now = time.time()
    return max(reset - now, 0)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return max(seconds, 0) if math.isfinite(seconds) else None
