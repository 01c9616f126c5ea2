"""How much the bot does at most. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """How much the bot does at most.

    Attributes:
        runs: that go on at one time; others wait.
        per_user, per_pull, per_repository: runs accepted within one hour.
    """

    runs: int = 20
    per_user: int = 20
    per_pull: int = 30
    per_repository: int = 120
