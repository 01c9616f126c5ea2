"""An answer to a request for a sandbox that was lost: there may be one, and nobody has told us its id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from automation.backends.giving_back import persist
from automation.cloud import Cloud, Sandbox

MAKING: Final = timedelta(seconds=90)
"""For so long a request for one is waited for."""
SKEW: Final = timedelta(seconds=5)
LISTED_WITHIN: Final = 15.0
LATE: Final = timedelta(seconds=30)
"""For so long a server may still be about a request whose answer nobody waits for any more."""


@dataclass(frozen=True)
class LostAnswer:
    """A request that made at most one sandbox, in this time by the API's clock."""

    since: datetime
    until: datetime

    @classmethod
    def between(cls, asked: datetime, given_up: datetime) -> "LostAnswer":
        return cls(asked - SKEW, given_up + LATE)

    @classmethod
    def of(cls, asked_at: float) -> "LostAnswer":
        """One that nobody has waited for to the end; `asked_at` is Unix time by the API's clock."""
        asked = datetime.fromtimestamp(asked_at, UTC)
        return cls.between(asked, asked + MAKING)

    def is_over(self, now: float) -> bool:
        """Whether it makes nothing any more; `now` is Unix time by the API's clock."""
        return now > self.until.timestamp()

    async def suspects(self, cloud: Cloud, known: Collection[str]) -> list[Sandbox]:
        """What it may have made, without those that are known.

        Raises:
            CloudUnavailable, CloudRefuses: the API does not say.
        """
        found = await persist(cloud.search, LISTED_WITHIN)
        return [
            each for each in found if self.since <= each.created_at <= self.until and each.id not in known
        ]

    async def suspicion(self, cloud: Cloud, known: Collection[str]) -> str:
        """The same in a sentence. Raises as `suspects`."""
        found = ", ".join(each.id for each in await self.suspects(cloud, known))
        return (
            "an answer of the Cloud API was lost; what it may have made is among these: "
            f"{found or 'none is listed'}"
        )
