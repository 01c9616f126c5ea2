"""What is left of GitHub's limits for one installation, and what follows from it. Pure.

There are two kinds. The requests of an hour are counted in each answer, and what is left of them is shared out: a lane
stops where only so much is left as those before it may need. The others GitHub names in a refusal, with a time for
which it wants no request at all; that is kept to in every lane, and no longer than it was named.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from automation.github.allowance import Allowance
from automation.github.lane import Lane

KEPT: Final[Mapping[Lane, float]] = {Lane.END: 0.0, Lane.START: 0.02, Lane.COSMETIC: 0.1, Lane.WATCH: 0.2}
"""The part of the limit that a lane leaves to those before it."""
HOUR: Final = 3600.0
"""Seconds of a window."""
SLOWEST: Final = 20.0


@dataclass(frozen=True)
class Budget:
    """What GitHub has said, with times of a clock that only goes on.

    Attributes:
        limit, remaining: requests of the window that ends at `resets_at`; nothing is known of the one after it.
        closed_until: until then it wants no request.
    """

    limit: int = 0
    remaining: int = 0
    resets_at: float = 0
    closed_until: float = 0

    def after(self, told: Allowance, now: float) -> Self:
        """The same after an answer."""
        closed_until = max(self.closed_until, now + told.closed_for) if told.closed_for else self.closed_until
        if not told.limit or told.remaining is None:
            return replace(self, closed_until=closed_until)
        return replace(
            self,
            limit=told.limit,
            remaining=told.remaining,
            resets_at=now + told.resets_in,
            closed_until=closed_until,
        )

    def counts(self, now: float) -> bool:
        """Whether anything follows from it still."""
        return now < max(self.resets_at, self.closed_until)

    def is_closed(self, now: float) -> bool:
        return now < self.closed_until

    def wait(self, lane: Lane, now: float) -> float:
        """Seconds until a request may be made in this lane; 0 for now."""
        is_spent = now < self.resets_at and self.remaining <= self.limit * KEPT[lane]
        return max(self.closed_until - now, self.resets_at - now if is_spent else 0, 0)

    def slowness(self, now: float) -> float:
        """By how much longer than usual to pause between requests that can wait, so that the rest of the window suffices.

        1 for as long as not less is left of the requests than of the time.
        """
        if now >= self.resets_at or not self.limit:
            return 1
        kept = self.limit * KEPT[Lane.COSMETIC]
        left = max(self.remaining - kept, 0) / (self.limit - kept)
        time_left = min((self.resets_at - now) / HOUR, 1)
        return SLOWEST if time_left >= left * SLOWEST else max(time_left / left, 1)
