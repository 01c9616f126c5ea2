"""What the pages ask of whoever keeps the runs."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from automation.reasons import Conclusion
from bot.runs.piece import Piece
from bot.runs.run import Run, State


class Unavailable(Exception):
    """The runs cannot be read now; the reader may try again in a moment."""


@dataclass(frozen=True)
class RunFilter:
    """Which runs are looked for; what is empty or None matches all.

    Attributes:
        repository: `owner/name`, any case.
        automation: the slug.
        actor: the login, any case.
    """

    repository: str = ""
    automation: str = ""
    state: State | None = None
    conclusion: Conclusion | None = None
    actor: str = ""


@dataclass(frozen=True)
class DayCount:
    """How many runs were accepted on a day (UTC), and how many of them have another conclusion than success."""

    day: date
    total: int
    failed: int


@dataclass(frozen=True)
class Deed:
    """Something that the bot has done by itself.

    Attributes:
        at: Unix time in seconds.
        sentence: what, and why.
    """

    at: float
    sentence: str


class Runs(Protocol):
    """The runs, to be read. Each method raises `Unavailable` where they cannot be."""

    async def run(self, run_id: UUID) -> Run | None:
        """The run as it is now, None if there is none or it is not kept any more."""

    async def output(self, run_id: UUID) -> Sequence[Piece]:
        """What is kept of its output, in order: all of it, or its head and its tail with a gap between them."""

    def follow(self, run_id: UUID, offset: int) -> AsyncGenerator[Piece | Run, None]:
        """The run as it is now and again whenever it has changed, and its output from a byte on as it comes.

        A piece may begin later than the last one ended, where something between is not kept, and earlier.
        Ends when the run is in its last state and all of its output has been given. The caller closes it early.
        """

    async def recent(self, wanted: RunFilter, before: float | None, limit: int) -> Sequence[Run]:
        """Up to `limit` runs, the last accepted one first.

        Args:
            before: only those that were accepted before this Unix time in seconds.
        """

    async def per_day(self, days: int) -> Sequence[DayCount]:
        """The counts of the last days, today among them; days without runs may be missing."""

    async def deeds(self) -> Sequence[Deed]:
        """What the bot has done by itself lately, the newest first."""
