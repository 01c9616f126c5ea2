"""Runs of one lane take turns in the order in which they were accepted; what a newer one does to them is declared."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.definition.github_key import Concurrency, ConcurrencyPolicy
from automation.errors import Refused
from automation.reasons import Reason
from bot.runs.lanes import has_turn, lane_of, to_replace
from bot.runs.run import Run, State
from tests.bot.store.rows import SUCCESS, a_run


def lane(key: str, *, pull: int | None = 7, ref: str = "feature", automation: str = "review") -> str:
    return lane_of("Octo/Demo", automation, Concurrency(key=key), pull=pull, ref=ref)


@pytest.mark.parametrize(
    ("key", "pull", "expected"),
    [
        ("pr", 7, "octo/demo review pull/7"),
        ("pr", None, "octo/demo review ref/feature"),
        ("branch", 7, "octo/demo review ref/feature"),
        ("repository", 7, "octo/demo review repository"),
        ("deploys", 7, "octo/demo shared deploys"),
    ],
)
def test_lanes(key: str, pull: int | None, expected: str) -> None:
    assert lane(key, pull=pull) == expected


def test_a_name_of_ones_own_is_shared_by_automations() -> None:
    assert lane("deploys", automation="a") == lane("deploys", automation="b", pull=8)
    assert lane("pr", automation="a") != lane("pr", automation="b")


def test_the_earlier_one_has_its_turn() -> None:
    first, second = a_run(accepted_at=1), a_run(accepted_at=2)
    assert has_turn(first, [first, second])
    assert not has_turn(second, [first, second])
    assert has_turn(second, [second])
    assert has_turn(second, [])


def test_one_whose_verdict_is_known_holds_nobody_up() -> None:
    first, second = a_run(accepted_at=1, end=SUCCESS, state=State.CONCLUDING), a_run(accepted_at=2)
    assert has_turn(second, [first, second])


RUNS = st.lists(
    st.builds(
        lambda at, identity, is_over: a_run(
            accepted_at=at, id=UUID(int=identity), end=SUCCESS if is_over else None
        ),
        st.sampled_from([1.0, 2.0, 3.0]),
        st.integers(0, 2**128 - 1),
        st.booleans(),
    ),
    unique_by=lambda run: run.id,
    min_size=1,
    max_size=6,
)


@given(RUNS)
def test_of_those_that_are_alive_exactly_one_has_its_turn(runs: list[Run]) -> None:
    alive = [run for run in runs if not run.is_over]
    assert sum(has_turn(run, runs) for run in alive) == min(len(alive), 1)


def test_the_policy_decides_about_those_that_are_alive() -> None:
    alive, over = a_run(), replace(a_run(), end=SUCCESS)
    assert to_replace(ConcurrencyPolicy.QUEUE, [alive, over]) == []
    assert to_replace(ConcurrencyPolicy.REPLACE, [alive, over]) == [alive]
    assert to_replace(ConcurrencyPolicy.REJECT, [over]) == []
    assert to_replace(ConcurrencyPolicy.REJECT, []) == []
    with pytest.raises(Refused, match=f"run {alive.id} is under way") as refusal:
        to_replace(ConcurrencyPolicy.REJECT, [alive])
    assert refusal.value.reason is Reason.NOT_ALLOWED
