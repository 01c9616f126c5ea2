"""GitHub's clock, as the `Date` of its answers tells it: what GitHub judges by time is told by that one.

This machine's clock may be wrong by an hour, or be set while we run. Between two answers time is counted by a clock
that nobody sets; until the first answer there is only this machine's.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1
"""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class GitHubClock:
    """Tells the time; any thread may ask."""

    def __init__(self) -> None:
        self._heard: tuple[float, float] | None = None

    def hear(self, date: str | None) -> None:
        """Take in the `Date` of an answer; one without a time in it changes nothing."""
        try:
            at = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError):
            return
        self._heard = at, time.monotonic()

    def now(self) -> float:
        """Unix time in seconds."""
        if self._heard is None:
            return time.time()
        at, heard_at = self._heard
        return at + time.monotonic() - heard_at

    def stamp(self) -> str:
        """The same as GitHub writes it."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
