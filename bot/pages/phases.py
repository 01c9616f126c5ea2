"""The phases of a run on one scale of time. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from automation.sentences import one_line
from bot.pages.clock import span
from bot.runs.run import Run

SCALE = 1000
"""Units of the scale from the first phase's beginning to the end, or until now."""
_LEAST = 4


@dataclass(frozen=True)
class PhaseRow:
    """A phase: what it is called, when it began (Unix time), how long it took, and where it lies on the scale."""

    name: str
    at: float
    seconds: float
    start: int
    width: int
    is_open: bool

    @property
    def took(self) -> str:
        return span(self.seconds)


def phase_rows(run: Run, now: float) -> list[PhaseRow]:
    """A row for each phase that the run has entered.

    Args:
        now: Unix time in seconds; a phase that goes on ends here.
    """
    return list(_rows(run, now))


def _rows(run: Run, now: float) -> Iterator[PhaseRow]:
    if not run.stations:
        return
    begun = run.stations[0].at
    last = max(run.ended_at or now, *(station.at for station in run.stations))
    whole = max(last - begun, 0.001)
    ends = [*(after.at for _, after in pairwise(run.stations)), last]
    for number, (station, end) in enumerate(zip(run.stations, ends, strict=True), 1):
        start = min(round(SCALE * max(0, station.at - begun) / whole), SCALE - _LEAST)
        width = round(SCALE * max(0, end - station.at) / whole)
        yield PhaseRow(
            name=one_line(station.phase),
            at=station.at,
            seconds=max(0, end - station.at),
            start=start,
            width=min(max(width, _LEAST), SCALE - start),
            is_open=not run.ended_at and number == len(run.stations),
        )
