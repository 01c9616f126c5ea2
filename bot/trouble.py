"""What can be wrong with a bot, and whether it is ready for deliveries all the same. Pure.

Ready is who can store a delivery and have it dealt with. GitHub or an agent-server that is away makes nobody unready:
all replicas would be at once, and what GitHub sends meanwhile would be refused although it can be stored and waits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """What is wrong: a closed set, for alerts."""

    DATABASE = "database"
    DISK_FULL = "disk-full"
    SHUTTING_DOWN = "shutting-down"
    SWEEP = "sweep"
    AGENT_SERVER_UNREACHABLE = "agent-server-unreachable"
    DISK_LOW = "disk-low"
    GITHUB_REFUSES = "github-refuses"
    GITHUB_UNREACHABLE = "github-unreachable"


UNREADY: Final = frozenset({Cause.DATABASE, Cause.DISK_FULL, Cause.SHUTTING_DOWN, Cause.SWEEP})
"""Those with which no delivery is to be sent here; the others are warnings."""


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong.

    Attributes:
        sentence: what, and where more is said; without addresses, for whoever may ask.
    """

    cause: Cause
    sentence: str

    @property
    def is_warning(self) -> bool:
        return self.cause not in UNREADY
