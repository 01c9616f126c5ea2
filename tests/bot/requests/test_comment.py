"""What a comment asks for, where that is about several runs or dealt with twice; the rest is told by stories."""

from typing import Any

import pytest

from automation.catalogue import Automation
from automation.github import GitHubUnavailable
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


async def test_what_cannot_start_any_more_holds_up_no_other_that_is_approved_with_it(place: Place) -> None:
    place.set_apart("http://127.0.0.1:8")
    place.fork()
    held: dict[str, Any] = {"end": HELD, "state": State.ENDED, "lane": "", "is_fork": True}
    other = await a_row(place, **held)
    gone = await a_row(place, **held, automation="gone", name="gone")
    command = commanded(place, f"/run-automation approve {place.pull.head}")
    for _ in range(2):
        assert await command.handle() == "approved, 1 runs, 1 refused"
    [new] = [run for run in await runs(place) if run.id not in {other.id, gone.id}]
    assert (new.retry_of, new.is_fork) == (other.id, True)
    [reply] = said(place)
    started, _, left = reply.partition("Not started")
    assert "`hello`" in started
    assert "`gone`" in left


async def test_what_cannot_start_any_more_holds_up_no_other_that_is_retried_with_it(place: Place) -> None:
    other = await a_row(place, end=FAILURE, state=State.ENDED)
    await a_row(place, end=FAILURE, state=State.ENDED, automation="gone", name="gone")
    assert await commanded(place, "/run-automation retry").handle() == "retried 1, 1 refused"
    assert await place.bot.store.runs.repeating(other.id) is not None
    [reply] = said(place)
    started, _, left = reply.partition("Not started")
    assert "`hello`" in started
    assert "`gone`" in left


async def test_where_none_of_several_may_be_retried_it_is_said_once(place: Place) -> None:
    place.automation("echo lint", "lint")
    for slug in ("hello", "lint"):
        await a_row(place, end=FAILURE, state=State.ENDED, automation=slug)
    for _ in range(2):
        assert await commanded(place, "/run-automation retry", "rita").handle() == "retried 0, 2 refused"
    [reply] = said(place)
    assert "`hello`" in reply
    assert "`lint`" in reply


@pytest.mark.parametrize("command", ["retry", "approve {sha}"])
async def test_where_github_is_away_in_between_all_of_it_is_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    place.set_apart("http://127.0.0.1:8")
    place.automation("echo lint", "lint")
    for slug in ("hello", "lint"):
        await a_row(place, end=HELD, state=State.ENDED, lane="", automation=slug)
    automation = Desk.automation

    async def away(desk: Desk, sha: str, name: str) -> Automation:
        if name == "hello":
            raise GitHubUnavailable("GitHub answers with 502")
        return await automation(desk, sha, name)

    asked = commanded(place, f"/run-automation {command.format(sha=place.pull.head)}")
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "automation", away)
        with pytest.raises(GitHubUnavailable, match="502"):
            await asked.handle()
    assert len(await runs(place)) == 3
    assert said(place) == []
    await asked.handle()
    assert sorted(run.automation for run in await runs(place) if run.retry_of) == ["hello", "lint"]
