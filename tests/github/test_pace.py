"""Edits are frequent while somebody is likely to watch, and few enough for a job token's thousand an hour."""

import pytest

from automation.github.pace import pause_before_update


def edits(seconds: float) -> int:
    """How many edits a run of so many seconds gets at the most."""
    elapsed, count = 0.0, 0
    while (elapsed := elapsed + pause_before_update(elapsed)) < seconds:
        count += 1
    return count


@pytest.mark.parametrize(("elapsed", "pause"), [(0, 15), (119.9, 15), (120, 60), (1e6, 60)])
def test_the_first_two_minutes_are_followed_closely(elapsed: float, pause: float) -> None:
    assert pause_before_update(elapsed) == pause


@pytest.mark.parametrize(("seconds", "at_most"), [(10, 0), (60, 3), (1800, 36), (3600, 66)])
def test_a_run_costs_few_edits(seconds: float, at_most: int) -> None:
    assert edits(seconds) <= at_most
