"""`pull_request`: what runs and approvals were about is no longer so. Pure.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.events.fields import at, commit, number
from bot.events.origin import Origin


class Move(StrEnum):
    """What happened, in GitHub's word for it."""

    SYNCHRONIZE = "synchronize"
    """Its head is another commit."""
    CLOSED = "closed"
    REOPENED = "reopened"
    EDITED = "edited"
    """Its base is another branch; edits of title and text are no move."""


@dataclass(frozen=True)
class PullRequestMoved:
    """A pull request that is not what it was.

    Attributes:
        head_sha: its head after the move.
    """

    origin: Origin
    number: int
    head_sha: str
    action: Move

    @classmethod
    def read(cls, payload: object) -> Self | None:
        """The move; None where nothing moved, and for a payload that does not name pull request and head."""
        origin, action = Origin.read(payload), at(payload, "action")
        pull = number(at(payload, "pull_request", "number"))
        head_sha = commit(at(payload, "pull_request", "head", "sha"))
        if not isinstance(action, str) or action not in set(Move) or not (origin and pull and head_sha):
            return None
        if action == Move.EDITED and at(payload, "changes", "base") is None:
            return None
        return cls(origin, pull, head_sha, Move(action))
