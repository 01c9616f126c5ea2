"""What was accepted some time ago may start only if it still may."""

import time
from typing import Any

import pytest

from automation.errors import Refused
from automation.reasons import Reason
from bot.runs.authorised import FRESH, authorise_again
from bot.runs.run import Run
from tests.bot.runs.place import Place

LATER = 2 * FRESH


async def reason(place: Place, run: Run) -> Reason | None:
    github = place.bot.installations.client(run.repository, run.installation)
    try:
        await authorise_again(place.bot, github, run)
    except Refused as refusal:
        return refusal.reason
    return None


def old(place: Place, **changes: Any) -> Run:
    return place.a_run(accepted_at=time.time() - LATER, **changes)


async def test_just_accepted_it_costs_no_request(place: Place) -> None:
    place.repository.collaborator("alice", None)
    assert await reason(place, place.a_run()) is None
    assert place.requests() == []


@pytest.mark.parametrize(
    ("role", "expected"),
    [("write", None), ("admin", None), ("read", Reason.NOT_ALLOWED), (None, Reason.NOT_ALLOWED)],
)
async def test_the_role_is_asked_for_again(place: Place, role: str | None, expected: Reason | None) -> None:
    place.repository.collaborator("alice", role)
    assert await reason(place, old(place)) is expected


async def test_what_an_event_started_has_nobody_to_ask_about(place: Place) -> None:
    assert await reason(place, old(place, asks_role=None, actor="mallory")) is None
    assert place.requests() == []


async def test_a_fork_that_was_pushed_to_waits_for_another_look(place: Place) -> None:
    run = old(place, asks_role=None)
    assert await reason(place, run) is None
    place.set_apart("http://127.0.0.1:8")
    fork = old(place, asks_role=None, is_fork=True)
    assert await reason(place, fork) is None
    place.pull.push(place.main)
    assert await reason(place, fork) is Reason.SHA_MOVED
    assert await reason(place, run) is None


async def test_without_a_server_of_their_own_forks_start_nowhere(place: Place) -> None:
    assert await reason(place, place.a_run(is_fork=True)) is Reason.FORK_NEEDS_ISOLATION


async def test_a_fork_that_goes_into_another_branch_waits_for_another_look(place: Place) -> None:
    place.set_apart("http://127.0.0.1:8")
    fork = old(place, asks_role=None, is_fork=True)
    place.pull.base = "old-release"
    assert await reason(place, fork) is Reason.FORK_NEEDS_APPROVAL


async def test_a_clock_that_was_set_back_proves_nothing(place: Place) -> None:
    place.repository.collaborator("alice", "read")
    assert await reason(place, place.a_run(accepted_at=time.time() + 3600)) is Reason.NOT_ALLOWED
