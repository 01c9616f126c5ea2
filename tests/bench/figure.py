"""A line of the table: what was measured, and its goal."""

from dataclasses import dataclass
from statistics import median
from typing import Protocol

NAME, NUMBERS = 54, 26


class Figure(Protocol):
    """A line; `str` of it is how it is shown."""

    @property
    def is_met(self) -> bool: ...


@dataclass(frozen=True)
class Ratio:
    """Ours beside the bare calls, in seconds; the goal is on their ratio or on ours."""

    name: str
    ours: list[float]
    bare: list[float]
    most_ratio: float | None = None
    most_seconds: float | None = None

    @property
    def ratio(self) -> float:
        return median(self.ours) / median(self.bare)

    @property
    def is_met(self) -> bool:
        if self.most_ratio is not None:
            return self.ratio <= self.most_ratio
        return self.most_seconds is None or median(self.ours) <= self.most_seconds

    def __str__(self) -> str:
        goal = (
            f"ratio <= {self.most_ratio:.4g}"
            if self.most_ratio
            else f"<= {(self.most_seconds or 0) * 1000:.0f} ms"
        )
        return line(self.name, shown(self.ours), shown(self.bare), f"{self.ratio:.2f}", goal, self.is_met)


@dataclass(frozen=True)
class Seconds:
    """Ours alone, in seconds; the goal is on the median."""

    name: str
    ours: list[float]
    most: float | None = None

    @property
    def is_met(self) -> bool:
        return self.most is None or median(self.ours) <= self.most

    def __str__(self) -> str:
        goal = "" if self.most is None else f"<= {self.most * 1000:.0f} ms"
        return line(self.name, shown(self.ours), "", "", goal, self.is_met)


@dataclass(frozen=True)
class Amount:
    """A number of something that is no time."""

    name: str
    value: float
    unit: str
    most: float | None = None

    @property
    def is_met(self) -> bool:
        return self.most is None or self.value <= self.most

    def __str__(self) -> str:
        goal = "" if self.most is None else f"<= {self.most:g} {self.unit}"
        return line(self.name, f"{self.value:.4g} {self.unit}", "", "", goal, self.is_met)


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why."""

    name: str
    why: str
    is_met: bool = False

    def __str__(self) -> str:
        return line(self.name, self.why, "", "", "", self.is_met)


HEAD = f"{'':{NAME}} {'ours, ms':>{NUMBERS}} {'bare, ms':>{NUMBERS}} {'ratio':>7}  goal"


def line(name: str, ours: str, bare: str, ratio: str, goal: str, is_met: bool) -> str:
    end = "" if is_met and not goal else "met" if is_met else "MISSED"
    return f"{name:{NAME}} {ours:>{NUMBERS}} {bare:>{NUMBERS}} {ratio:>7}  {goal:16} {end}".rstrip()


def shown(seconds: list[float]) -> str:
    """Median, least and most in milliseconds."""
    low, middle, high = (f"{value * 1000:.1f}" for value in (min(seconds), median(seconds), max(seconds)))
    return f"{middle} ({low}..{high})"
