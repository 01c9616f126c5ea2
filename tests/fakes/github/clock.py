"""The time at the fake GitHub: this machine's, moved on by whoever tells the story."""

import time
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Seconds since 1970, and GitHub's ways to write them."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def stamp(self) -> str:
        """Now, as GitHub writes times in JSON."""
        return stamp(self.now())

    def date(self) -> str:
        """Now, for the `Date` header."""
        return formatdate(self.now(), usegmt=True)


def stamp(at: float | datetime) -> str:
    """A time as GitHub writes it: in UTC, without fractions."""
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
