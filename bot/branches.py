"""Where branches have been lately, so that an event that nobody waits for costs no call. Nothing is started by it."""

import time
from dataclasses import dataclass, field

FRESH = 60.0
"""Seconds for which it holds, should a push not be told of."""


@dataclass
class Branches:
    """The commits that branches had when GitHub was last asked."""

    _seen: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def seen(self, repository: str, name: str, sha: str) -> None:
        """Remember where GitHub says that the branch is."""
        now = time.monotonic()
        self._seen = {key: known for key, known in self._seen.items() if now - known[1] < FRESH}
        self._seen[_key(repository, name)] = sha, now

    def pushed(self, repository: str, name: str) -> None:
        """It is somewhere else by now; where, GitHub has to say: deliveries may come late."""
        self._seen.pop(_key(repository, name), None)

    def last(self, repository: str, name: str) -> str:
        """Where the branch was a moment ago; empty if nobody has looked."""
        sha, at = self._seen.get(_key(repository, name), ("", 0.0))
        return sha if time.monotonic() - at < FRESH else ""


def _key(repository: str, name: str) -> tuple[str, str]:
    return repository.casefold(), name
