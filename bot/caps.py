"""How much the bot does at most. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """How much the bot does at most.

    Attributes:
        runs: that go on at one time in one process; others wait.
        at_once_per_repository, at_once_per_server: the same for each of these, in all processes.
        per_user, per_pull, per_repository: runs accepted within one hour.
    """

    runs: int = 20
    at_once_per_repository: int = 10
    at_once_per_server: int = 40
    per_user: int = 20
    per_pull: int = 30
    per_repository: int = 120
