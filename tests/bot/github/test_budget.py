"""What is left of GitHub's limits is kept for ends, and what it names is kept to: no less, and no longer."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.github.allowance import Allowance
from automation.github.lane import Lane
from bot.github.budget import HOUR, SLOWEST, Budget

NOW = 1000.0
RESET = NOW + 600
GOES, WAITS = 0.0, 600.0
budgets = st.builds(
    Budget,
    limit=st.integers(0, 15_000),
    remaining=st.integers(0, 15_000),
    resets_at=st.floats(0, 2 * HOUR),
    closed_until=st.floats(0, 2 * HOUR),
)
answers = st.builds(
    Allowance,
    limit=st.none() | st.integers(0, 15_000),
    remaining=st.none() | st.integers(0, 15_000),
    resets_in=st.floats(0, HOUR),
    closed_for=st.floats(0, HOUR),
)


def left(remaining: int, limit: int = 5000) -> Budget:
    return Budget(limit, remaining, RESET)


@pytest.mark.parametrize(
    ("budget", "end", "start", "cosmetic", "watch"),
    [
        (Budget(), GOES, GOES, GOES, GOES),
        (left(5000), GOES, GOES, GOES, GOES),
        (left(1001), GOES, GOES, GOES, GOES),
        (left(1000), GOES, GOES, GOES, WAITS),
        (left(501), GOES, GOES, GOES, WAITS),
        (left(500), GOES, GOES, WAITS, WAITS),
        (left(101), GOES, GOES, WAITS, WAITS),
        (left(100), GOES, WAITS, WAITS, WAITS),
        (left(1), GOES, WAITS, WAITS, WAITS),
        (left(0), WAITS, WAITS, WAITS, WAITS),
        (left(0, limit=60), WAITS, WAITS, WAITS, WAITS),
        (left(2, limit=60), GOES, GOES, WAITS, WAITS),
        (Budget(5000, 0, resets_at=NOW), GOES, GOES, GOES, GOES),
        (Budget(closed_until=NOW + 2), 2, 2, 2, 2),
        (Budget(5000, 500, RESET, closed_until=NOW + 2), 2, 2, WAITS, WAITS),
        (Budget(5000, 0, RESET, closed_until=RESET + 60), 660, 660, 660, 660),
        (Budget(closed_until=NOW), GOES, GOES, GOES, GOES),
    ],
)
def test_how_long_each_lane_waits(
    budget: Budget, end: float, start: float, cosmetic: float, watch: float
) -> None:
    assert [budget.wait(lane, NOW) for lane in Lane] == [end, start, cosmetic, watch]


@given(budget=budgets, now=st.floats(0, 2 * HOUR))
def test_who_is_more_urgent_never_waits_longer(budget: Budget, now: float) -> None:
    waits = [budget.wait(lane, now) for lane in Lane]
    assert waits == sorted(waits)


@given(budget=budgets, told=answers)
def test_what_github_names_is_kept_to_in_every_lane_and_no_longer(budget: Budget, told: Allowance) -> None:
    after = budget.after(told, NOW)
    end = max(NOW + told.closed_for if told.closed_for else 0, budget.closed_until)
    assert after.is_closed(NOW) == (end > NOW)
    assert all(after.wait(lane, NOW) >= end - NOW for lane in Lane)
    later = max(end, after.resets_at)
    assert [after.wait(lane, later) for lane in Lane] == [0, 0, 0, 0]
    assert not after.counts(later)


def test_an_answer_that_counts_nothing_takes_nothing_back() -> None:
    assert left(7).after(Allowance(), NOW) == left(7)
    assert left(7).after(Allowance(closed_for=2), NOW) == Budget(5000, 7, RESET, NOW + 2)


def test_the_newest_count_is_the_one() -> None:
    assert left(7).after(Allowance(5000, 4999, HOUR), NOW) == Budget(5000, 4999, NOW + HOUR)


@pytest.mark.parametrize(
    ("remaining", "time_left", "slowness"),
    [
        (5000, HOUR, 1),
        (5000, 1, 1),
        # As much is left as of the time, beyond what is kept.
        (500 + 2250, HOUR / 2, 1),
        # Half as much.
        (500 + 1125, HOUR / 2, 2),
        (500 + 450, HOUR, 10),
        (500 + 1, HOUR, SLOWEST),
        (500, HOUR, SLOWEST),
        (0, 60, SLOWEST),
        (0, 0, 1),
    ],
)
def test_the_less_is_left_the_slower(remaining: int, time_left: float, slowness: float) -> None:
    budget = Budget(5000, remaining, NOW + time_left)
    assert math.isclose(budget.slowness(NOW), slowness)


def test_of_what_is_not_known_nothing_follows() -> None:
    assert Budget().slowness(NOW) == 1


@given(budget=budgets, now=st.floats(0, 2 * HOUR))
def test_slowness_has_bounds(budget: Budget, now: float) -> None:
    assert 1 <= budget.slowness(now) <= SLOWEST
