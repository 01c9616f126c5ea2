"""An answer to a request for a sandbox that was lost: there may be one, and nobody has told us its id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from automation.backends.giving_back import persist
from automation.cloud import Cloud, Sandbox

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

    async def suspects(self, cloud: Cloud, known: Collection[str]) -> list[Sandbox]:
        """What it may have made, without those that are known.

        Raises:
            CloudUnavailable, CloudRefuses: the API does not say.
        """
        found = await persist(cloud.search, LISTED_WITHIN)
        return [
            each for each in found if self.since <= each.created_at <= self.until and each.id not in known
        ]
