"""Runs of one lane take turns in the order in which they were accepted; what a newer one does to them is declared."""

from dataclasses import replace

import pytest

from automation.definition.github_key import Concurrency, ConcurrencyPolicy
from automation.errors import Refused
from automation.reasons import Reason
from bot.runs.lanes import lane_of, to_replace
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


def test_the_policy_decides_about_those_that_are_alive() -> None:
    alive, over = a_run(), replace(a_run(), end=SUCCESS)
    assert to_replace(ConcurrencyPolicy.QUEUE, [alive, over]) == []
    assert to_replace(ConcurrencyPolicy.REPLACE, [alive, over]) == [alive]
    assert to_replace(ConcurrencyPolicy.REJECT, [over]) == []
    assert to_replace(ConcurrencyPolicy.REJECT, []) == []
    with pytest.raises(Refused, match=f"run {alive.id} is under way") as refusal:
        to_replace(ConcurrencyPolicy.REJECT, [alive])
    assert refusal.value.reason is Reason.NOT_ALLOWED
