"""Runs and failures of the last days as the bars of a chart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.pages.port import DayCount

DAYS = 30
WIDTH, HEIGHT = 600, 120
"""Of the plane that the bars stand on, in units of the drawing."""
_GAP = 4


@dataclass(frozen=True)
class Bar:
    """A day's bar, standing on the plane's lower edge: what failed below, the rest above it."""

    day: date
    total: int
    failed: int
    x: float
    width: float
    failed_height: float
    other_height: float

    @property
    def sentence(self) -> str:
        runs = "1 run" if self.total == 1 else f"{self.total} runs"
        return f"{self.day}: {runs}, {self.failed} without success"

    @property
    def failed_y(self) -> float:
        return HEIGHT - self.failed_height

    @property
    def other_y(self) -> float:
        return self.failed_y - self.other_height


@dataclass(frozen=True)
class Chart:
    """The bars, oldest day first, and the number of runs that reaches the top."""

    bars: tuple[Bar, ...]
    top: int

    @property
    def total(self) -> int:
        return sum(bar.total for bar in self.bars)

    @property
    def failed(self) -> int:
        return sum(bar.failed for bar in self.bars)


def chart_of(counts: Sequence[DayCount], now: float) -> Chart:
    """The chart of the days up to `now` (Unix time in seconds); days that are missing in `counts` had no runs."""
    today = datetime.fromtimestamp(now, UTC).date()
    known = {count.day: count for count in counts}
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    shown = [known.get(day, DayCount(day, 0, 0)) for day in days]
    top = max(1, *(count.total for count in shown))
    step = WIDTH / DAYS
    return Chart(
        tuple(
            Bar(
                day=count.day,
                total=count.total,
                failed=count.failed,
                x=number * step + _GAP / 2,
                width=step - _GAP,
                failed_height=HEIGHT * count.failed / top,
                other_height=HEIGHT * (count.total - count.failed) / top,
            )
            for number, count in enumerate(shown)
        ),
        top,
    )
