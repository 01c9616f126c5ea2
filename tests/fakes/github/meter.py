"""What is counted of requests against GitHub's limits: those of an hour, and that somebody asks too much at once."""

import math
from dataclasses import dataclass, field

HOUR = 3600
INSTALLATION_LIMIT = 5000
JOB_LIMIT = 1000


@dataclass
class Meter:
    """One installation's, whatever tokens it has, or one job token's. Times are the fake's.

    Attributes:
        limit: requests an hour.
        refused: how many were one too many, or came while none was wanted.
        closings: when a secondary limit began and when it ended, oldest first.
    """

    limit: int = INSTALLATION_LIMIT
    used: int = 0
    reset_at: float = 0.0
    refused: int = 0
    closings: list[tuple[float, float]] = field(default_factory=list)
    _closes_for: float = 0.0
    _leaves: tuple[int, float] | None = None

    def leave(self, requests: int, resets_in: float) -> None:
        """From the next request on only so many are left, that one among them, for so many seconds."""
        self._leaves = requests, resets_in

    def close(self, seconds: float) -> None:
        """The next request meets a secondary limit, which lasts so long."""
        self._closes_for = seconds

    def count(self, now: float) -> None:
        """One more request."""
        if self._leaves:
            left, resets_in = self._leaves
            self.used, self.reset_at, self._leaves = self.limit - left, now + resets_in, None
        if self._closes_for:
            self.closings.append((now, now + self._closes_for))
            self._closes_for = 0
        if now >= self.reset_at:
            self.used, self.reset_at = 0, now + HOUR
        self.used += 1

    def closed_for(self, now: float) -> int:
        """Seconds until requests are wanted again, as `retry-after` says them; 0 for now."""
        return max(math.ceil(self.closings[-1][1] - now), 0) if self.closings else 0

    def left(self, now: float) -> dict[str, int]:
        """As the headers say it."""
        used = min(self.used, self.limit) if now < self.reset_at else 0
        reset = math.ceil(self.reset_at) if now < self.reset_at else int(now) + HOUR
        return {"limit": self.limit, "used": used, "remaining": self.limit - used, "reset": reset}
