"""Whoever presses a button is authorised like a commenter, and what the event says of the run is not believed."""

import time
from typing import Any

import pytest

from automation.definition.role import Role
from automation.reasons import Conclusion, Reason
from bot.events.check_run import ActionRequested, CheckRerequested
from bot.events.check_suite import SuiteRerequested
from bot.events.origin import Origin, Person
from bot.requests.click import Click, Clicked
from bot.requests.desk import Desk
from bot.runs.run import End, Run, State
from bot.store.deliveries import DeliveryRows
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS, a_delivery
from tests.bot.store.statements import history

CHECK = 4711
REQUEST = 1
FAILURE = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3)
HELD = End(Conclusion.ACTION_REQUIRED, Reason.FORK_NEEDS_APPROVAL, "look at it")


@pytest.fixture(autouse=True)
async def _request(place: Place) -> None:
    """The row of the request that all of these are."""
    await DeliveryRows(place.bot.store.database).add([a_delivery()])


async def a_row(place: Place, **changes: Any) -> Run:
    usual = {"end": FAILURE, "state": State.ENDED, "check_id": CHECK, "accepted_at": time.time() - 60}
    run = place.a_run(**usual | changes)
    assert await place.bot.store.runs.add(run)
    return run


def origin(place: Place, by: str) -> Origin:
    return Origin("octo/demo", place.installation, "main", sender=Person(5, by, "User"))


def clicked(place: Place, button: str = "retry", by: str = "alice", **changes: Any) -> Clicked:
    known: dict[str, Any] = {"check_id": CHECK, "app_id": place.app.id}
    event: Click = ActionRequested(origin(place, by), **known | changes, identifier=button)
    return of(place, event)


def of(place: Place, event: Click) -> Clicked:
    return Clicked(Desk(place.bot, place.driver, "octo/demo", place.installation), event, REQUEST)


async def others(place: Place, *known: Run) -> list[Run]:
    """The runs that came of it."""
    ids = {run.id for run in known}
    return [run for run in await place.bot.store.runs.recent() if run.id not in ids]


async def test_retry_is_the_same_once_more_by_whoever_pressed_it(place: Place) -> None:
    run = await a_row(place, actor="bob", inputs={})
    note = await clicked(place).handle()
    [new] = await others(place, run)
    assert note == f"run {new.id}"
    assert (new.actor, new.asks_role, new.cause, new.attempt, new.retry_of) == (
        "alice",
        Role.WRITE,
        "retry",
        2,
        run.id,
    )
    assert (new.head_sha, new.definition_sha) == (run.head_sha, run.definition_sha)


async def test_githubs_own_rerun_is_a_retry_also_of_a_success(place: Place) -> None:
    run = await a_row(place, end=SUCCESS)
    event = CheckRerequested(origin(place, "alice"), CHECK, place.app.id)
    await of(place, event).handle()
    assert [new.retry_of for new in await others(place, run)] == [run.id]


async def test_of_a_suite_the_newest_of_each_automation_is_repeated(place: Place) -> None:
    place.automation("echo lint", "lint")
    known = [
        await a_row(place, accepted_at=time.time() - 60),
        await a_row(place, accepted_at=time.time() - 50, check_id=2),
        await a_row(place, automation="lint", check_id=3, definition_sha=place.main),
        await a_row(place, head_sha=place.main, check_id=4),
        await a_row(place, has_check=False, check_id=0, accepted_at=time.time() - 10),
    ]
    event = SuiteRerequested(origin(place, "alice"), place.pull.head, place.app.id)
    await of(place, event).handle()
    assert {new.retry_of for new in await others(place, *known)} == {known[1].id, known[2].id}


@pytest.mark.parametrize("is_elsewhere", [True, False], ids=["on other commits", "on this commit"])
async def test_of_a_suite_no_run_is_forgotten_for_many_newer_ones(place: Place, is_elsewhere: bool) -> None:
    """As where every push, or every issue while a branch stays where it is, starts something else."""
    yesterday = time.time() - 24 * 3600
    run = await a_row(place, accepted_at=yesterday - 24 * 3600)
    changes: dict[str, Any] = {} if is_elsewhere else {"head_sha": run.head_sha, "automation": "newer"}
    await history(place.bot.store.database, count=210, now=yesterday, pull_request=7, **changes)
    event = SuiteRerequested(origin(place, "alice"), run.head_sha, place.app.id)
    note = await of(place, event).handle()
    assert await place.bot.store.runs.repeating(run.id) is not None, note


@pytest.mark.parametrize(
    ("button", "by", "changes", "note"),
    [
        ("retry", "rita", {}, "refused: not-allowed"),
        ("retry", "mallory", {}, "refused: not-allowed"),
        ("approve", "rita", {}, "refused: not-allowed"),
        ("other", "alice", {}, "no button of ours"),
        ("retry", "alice", {"app_id": 1}, "another App's check"),
        ("retry", "alice", {"check_id": 1}, "no run of ours"),
    ],
)
async def test_what_starts_nothing(
    place: Place, button: str, by: str, changes: dict[str, Any], note: str
) -> None:
    place.github.user("mallory")
    run = await a_row(place)
    assert await clicked(place, button, by, **changes).handle() == note
    assert await others(place, run) == []


async def test_one_that_goes_on_is_not_repeated(place: Place) -> None:
    run = await a_row(place, end=None, state=State.RUNNING)
    assert await clicked(place).handle() == f"run {run.id} goes on"
    assert await others(place, run) == []


async def test_a_refusal_is_said_once(place: Place) -> None:
    await a_row(place)
    for _ in range(2):
        await clicked(place, by="rita").handle()
    said = [each.body for each in place.repository.comments_on(7) if each.author == place.app.bot]
    assert len(said) == 1
    assert "rita" in said[0]


class TestForks:
    @pytest.fixture(autouse=True)
    def _forked(self, place: Place) -> None:
        place.set_apart("http://127.0.0.1:8")
        place.fork()

    async def test_approved_it_starts(self, place: Place) -> None:
        run = await a_row(place, end=HELD, is_fork=True)
        await clicked(place, "approve").handle()
        [new] = await others(place, run)
        assert (new.is_fork, new.cause, new.retry_of) == (True, "approve", run.id)

    async def test_pushed_to_it_does_not(self, place: Place) -> None:
        run = await a_row(place, end=HELD, is_fork=True)
        place.pull.push(place.main)
        assert await clicked(place, "approve").handle() == "refused: sha-moved"
        assert await others(place, run) == []

    async def test_a_retry_is_no_approval(self, place: Place) -> None:
        run = await a_row(place, end=HELD, is_fork=True)
        assert await clicked(place).handle() == "refused: fork-needs-approval"
        assert await others(place, run) == []

    async def test_who_may_start_it_may_not_therefore_approve(self, place: Place) -> None:
        run = await a_row(place, end=HELD, is_fork=True, asks_role=Role.READ)
        assert await clicked(place, "approve", by="rita").handle() == "refused: not-allowed"
        assert await others(place, run) == []


async def test_on_a_closed_pull_request_nothing_is_repeated(place: Place) -> None:
    run = await a_row(place)
    place.pull.close()
    assert (await clicked(place).handle()).startswith("refused")
    assert await others(place, run) == []
