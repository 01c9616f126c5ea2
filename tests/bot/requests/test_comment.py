"""What a comment asks for, where that is about several runs or dealt with twice; the rest is told by stories."""

from typing import Any

import pytest

from automation.reasons import Conclusion, Reason
from bot.events.issue_comment import CommentCreated
from bot.events.origin import Origin, Person
from bot.requests.comment import SHOWN_RUNS, Commanded
from bot.requests.desk import Desk
from bot.runs.run import End, Run, State
from bot.store.deliveries import DeliveryRows
from tests.bot.runs.place import Place
from tests.bot.store.rows import NOW, a_delivery
from tests.bot.store.statements import history

FAILURE = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3)
CANCELLED = End(Conclusion.CANCELLED, Reason.CANCELLED, "stopped by @alice")
HELD = End(Conclusion.ACTION_REQUIRED, Reason.FORK_NEEDS_APPROVAL, "look at it")
DAY = 24 * 3600.0


@pytest.fixture(autouse=True)
async def _request(place: Place) -> None:
    """The row of the request that all of these are."""
    await DeliveryRows(place.bot.store.database).add([a_delivery()])


def commanded(place: Place, body: str, author: str = "alice") -> Commanded:
    comment = place.repository.comment(7, body, author=author)
    person = Person(5, author, "User")
    told = CommentCreated(
        origin=Origin("octo/demo", place.installation, "main", sender=person),
        number=7,
        is_pull_request=True,
        comment_id=comment.id,
        body=body,
        author=person,
        via_app=0,
    )
    return Commanded(Desk(place.bot, place.driver, "octo/demo", place.installation), told, 1)


async def a_row(place: Place, request: int | None = None, **changes: Any) -> Run:
    run = place.a_run(**changes)
    assert await place.bot.store.runs.add(run, request=request)
    return run


async def runs(place: Place) -> list[Run]:
    return await place.bot.store.runs.recent()


def said(place: Place) -> list[str]:
    return [each.body for each in place.repository.comments_on(7) if each.author == place.app.bot]


async def test_a_cancel_that_another_replica_has_dealt_with_meets_no_newer_run(place: Place) -> None:
    run = await a_row(place)
    await place.bot.store.requests.done(1)
    assert await commanded(place, "/run-automation cancel").handle() == "dealt with already"
    assert (await place.now(run)).stop_by == ""
    assert said(place) == []


async def test_a_cancel_that_is_tried_again_leaves_what_was_asked_for_meanwhile(place: Place) -> None:
    """Its reply could not be written; until it is tried again somebody has pressed Retry."""
    await DeliveryRows(place.bot.store.database).add([a_delivery(received_at=NOW + 5)])
    older, newer = await a_row(place, 1), await a_row(place, 2)
    assert await commanded(place, "/run-automation cancel").handle() == "cancelled 1"
    assert [(await place.now(run)).stop_by for run in (older, newer)] == ["@alice", ""]


@pytest.mark.parametrize("which", ["", " all", " hello", " {id}"])
async def test_a_cancel_finds_what_has_gone_on_while_many_newer_ones_ended(place: Place, which: str) -> None:
    run = await a_row(place, state=State.RUNNING)
    await history(place.bot.store.database, count=SHOWN_RUNS + 10, now=run.accepted_at + DAY, pull_request=7)
    note = await commanded(place, f"/run-automation cancel{which.format(id=run.id)}").handle()
    assert note == "cancelled 1"
    assert (await place.now(run)).stop_by == "@alice"


async def test_a_cancel_that_is_tried_again_tells_what_it_has_stopped_before_many_newer_ones(
    place: Place,
) -> None:
    run = await a_row(place, state=State.ENDED, end=CANCELLED, stop_by="@alice", ended_at=NOW + 1)
    await history(place.bot.store.database, count=SHOWN_RUNS + 10, now=run.accepted_at + DAY, pull_request=7)
    assert await commanded(place, "/run-automation cancel").handle() == "cancelled 1"
    assert str(run.id) in said(place)[0]


@pytest.mark.parametrize("elsewhere", [{"pull_request": 8}, {"repository": "octo/other"}])
async def test_a_cancel_by_id_meets_no_run_of_elsewhere(place: Place, elsewhere: dict[str, Any]) -> None:
    run = await a_row(place, state=State.RUNNING, **elsewhere)
    assert await commanded(place, f"/run-automation cancel {run.id}").handle() == "nothing to cancel"
    assert (await place.now(run)).stop_by == ""


async def test_a_retry_that_is_dealt_with_again_is_the_same(place: Place) -> None:
    await a_row(place, end=FAILURE, state=State.ENDED)
    command = commanded(place, "/run-automation retry")
    for _ in range(2):
        assert await command.handle() == "retried 1"
    assert len(await runs(place)) == 2
    assert said(place) == []


async def test_an_approval_that_is_dealt_with_again_is_the_same(place: Place) -> None:
    place.set_apart("http://127.0.0.1:8")
    await a_row(place, end=HELD, state=State.ENDED, lane="")
    command = commanded(place, f"/run-automation approve {place.pull.head}")
    for _ in range(2):
        assert await command.handle() == "approved, 1 runs"
    assert len(await runs(place)) == 2
