"""What requests to GitHub are for, in the order in which they go where not all can. Pure."""

from enum import StrEnum


class Lane(StrEnum):
    """What a request is for, the most urgent first."""

    END = "end"
    """Somebody waits to be told of an end: a verdict on its check run, the last word in its comment."""
    START = "start"
    """A check run begins, what a start needs is read, somebody is answered."""
    COSMETIC = "cosmetic"
    """Nothing is lost without it: how a run goes on, reactions, comments that are folded away."""
    WATCH = "watch"
    """Polling for missed deliveries and pending checks."""

    @property
    def urgency(self) -> int:
        """The less, the more urgent."""
        return list(Lane).index(self)
