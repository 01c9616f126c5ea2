"""Requests are dealt with in their order and once; what cannot be now is put off, what never can be is left with a note."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from automation.errors import AutomationError, NoRoom
from automation.github import GitHubRefuses, GitHubUnavailable
from bot.requests import worker as module
from bot.requests.comment import Commanded
from bot.requests.worker import PAUSES, Worker, is_wanted
from bot.store.deliveries import DeliveryRows
from bot.store.errors import DatabaseUnavailable
from bot.store.schema import requests
from tests.bot.runs.place import Place
from tests.bot.store.rows import a_delivery
from tests.teller import eventually


@pytest.fixture
def worker(place: Place, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(module, "PAUSES", (0.05,))
    monkeypatch.setattr(module, "LOOKS_EVERY", 0.1)
    return Worker(place.bot, place.driver, asyncio.Event())


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(worker.work())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def comment(place: Place, body: str = "/run-automation hello", **changes: Any) -> dict[str, Any]:
    """A comment of alice's on the pull request, as GitHub tells of it."""
    number = changes.pop("number", 7)
    there = place.repository.comment(number, body, author="alice")
    user = {"login": "alice", "id": 5, "type": "User"}
    return {
        "action": "created",
        "issue": {"number": number, "state": "open", "pull_request": {}},
        "comment": {"id": there.id, "body": body, "user": user, "performed_via_github_app": None},
        "repository": {"full_name": "octo/demo", "default_branch": "main"},
        "installation": {"id": place.installation},
        "sender": user,
    } | changes


async def put(place: Place, worker: Worker, payload: dict[str, Any], event: str = "issue_comment") -> None:
    delivery = a_delivery(
        event=event,
        payload=json.dumps(payload).encode(),
        received_at=time.time(),
        repository=payload["repository"]["full_name"],
        sender=payload["sender"]["login"],
        lane=f"octo/demo#{payload['issue']['number']}",
    )
    await DeliveryRows(place.bot.store.database).add([delivery])
    worker.arrived.set()


async def states(place: Place) -> list[tuple[str, str]]:
    async with place.bot.store.database.reading() as connection:
        rows = await connection.execute(select(requests.c.state, requests.c.note).order_by(requests.c.id))
        return [(row.state, row.note) for row in rows]


async def settled(place: Place) -> list[tuple[str, str]]:
    """Nothing waits any more."""

    async def nothing_waits() -> bool:
        return await place.bot.store.requests.next_due() is None

    await eventually(nothing_waits, 20)
    return await states(place)


def failing(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> list[float]:
    """Comments are dealt with badly, in turn; when."""
    handle, left, tried = Commanded.handle, list(errors), list[float]()

    async def fail(commanded: Commanded) -> str:
        tried.append(time.monotonic())
        if left:
            raise left.pop(0)
        return await handle(commanded)

    monkeypatch.setattr(Commanded, "handle", fail)
    return tried


async def test_a_command_becomes_a_run(place: Place, worker: Worker) -> None:
    async with working(worker):
        await put(place, worker, comment(place))
        [(state, note)] = await settled(place)
    [run] = await place.bot.store.runs.recent()
    assert (state, note) == ("done", f"run {run.id}")
    assert (run.actor, run.pull_request) == ("alice", 7)


async def test_what_was_left_by_another_process_is_dealt_with(place: Place, worker: Worker) -> None:
    await put(place, worker, comment(place))
    worker.arrived.clear()
    async with working(worker):
        assert [state for state, _ in await settled(place)] == ["done"]


@pytest.mark.parametrize("error", [GitHubUnavailable("GitHub is away"), NoRoom("there is no room")])
async def test_what_is_not_to_be_had_is_waited_for(
    place: Place,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: AutomationError,
) -> None:
    tried = failing(monkeypatch, *[error] * 5)
    async with working(worker):
        await put(place, worker, comment(place))
        assert [state for state, _ in await settled(place)] == ["done"]
    assert len(tried) == 6
    assert caplog.text.count(f"waits 0.05 s: {error.sentence}") == 5


@pytest.mark.parametrize(
    ("error", "tries", "said"),
    [
        (GitHubRefuses("no", status=403), module.REFUSALS, "no"),
        (ZeroDivisionError("the-webhook-secret-of-tests"), module.DEFECTS, "ZeroDivisionError: ***"),
    ],
)
async def test_what_never_can_be_is_left_with_a_note(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int, said: str
) -> None:
    tried = failing(monkeypatch, *[error] * 50)
    async with working(worker):
        await put(place, worker, comment(place))
        assert await settled(place) == [("failed", said)]
    assert len(tried) == tries


@pytest.mark.parametrize(
    ("error", "tries"),
    [(GitHubRefuses("no", status=404), module.REFUSALS), (ZeroDivisionError(), module.DEFECTS)],
)
async def test_how_often_it_was_put_off_counts_for_nothing_else(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    away = [GitHubUnavailable("away")] * 3
    tried = failing(monkeypatch, *away, error, *away, *[error] * 50)
    async with working(worker):
        await put(place, worker, comment(place))
        assert [state for state, _ in await settled(place)] == ["failed"]
    assert len(tried) == 2 * len(away) + tries
    assert not worker._failures


async def test_one_refusal_after_an_outage_is_borne(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(monkeypatch, *[GitHubUnavailable("away")] * 3, GitHubRefuses("no", status=403))
    async with working(worker):
        await put(place, worker, comment(place))
        assert [state for state, _ in await settled(place)] == ["done"]
    assert len(tried) == 5
    assert not worker._failures


async def test_a_refusal_is_tried_again_soon_however_long_github_was_away(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.05, 0.05, 0.05, 3600.0))
    tried = failing(monkeypatch, *[GitHubUnavailable("away")] * 3, *[GitHubRefuses("no", status=403)] * 50)
    async with working(worker):
        await put(place, worker, comment(place))
        assert await settled(place) == [("failed", "no")]
    assert len(tried) == 3 + module.REFUSALS


async def test_one_that_fails_holds_up_nobody_elses(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.repository.pull(8, head=place.pull.head)
    failing(monkeypatch, ZeroDivisionError())
    monkeypatch.setattr(module, "PAUSES", (3600.0,))
    async with working(worker):
        await put(place, worker, comment(place))
        await eventually(
            lambda: bool(worker.bot.metrics.text().count(b'defects_total{where="request"} 1.0')), 5
        )
        await put(place, worker, comment(place, number=8))

        async def is_done() -> bool:
            return "done" in [state for state, _ in await states(place)]

        await eventually(is_done, 10)


async def test_what_is_not_done_in_time_is_put_off(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WITHIN", 0.2)
    handle, slow = Commanded.handle, [10.0]

    async def dawdle(commanded: Commanded) -> str:
        if slow:
            await asyncio.sleep(slow.pop())
        return await handle(commanded)

    monkeypatch.setattr(Commanded, "handle", dawdle)
    async with working(worker):
        await put(place, worker, comment(place))
        await eventually(lambda: not slow, 5)
        monkeypatch.setattr(module, "WITHIN", 60)
        assert [state for state, _ in await settled(place)] == ["done"]


async def test_of_one_pull_request_they_are_dealt_with_in_their_order(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, at_once = list[str](), 0

    async def note(commanded: Commanded) -> str:
        nonlocal at_once
        assert at_once == 0
        at_once += 1
        await asyncio.sleep(0.02)
        order.append(commanded.comment.body)
        at_once -= 1
        return "noted"

    monkeypatch.setattr(Commanded, "handle", note)
    bodies = [f"/run-automation hello number={number}" for number in range(5)]
    async with working(worker):
        for body in bodies:
            await put(place, worker, comment(place, body))
        await settled(place)
    assert order == bodies


async def test_of_several_they_are_dealt_with_at_once(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = asyncio.Barrier(2)

    async def meet(_: Commanded) -> str:
        await everybody.wait()
        return "met"

    monkeypatch.setattr(Commanded, "handle", meet)
    async with working(worker):
        for number in (11, 12):
            await put(place, worker, comment(place, number=number))
        assert await settled(place) == [("done", "met")] * 2


async def test_of_one_repository_two_are_dealt_with_at_once(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, somebody else's is not behind them."""
    at_once, most = Counter[str](), 0
    released = asyncio.Event()

    async def linger(commanded: Commanded) -> str:
        nonlocal most
        repository = commanded.desk.repository
        at_once[repository] += 1
        most = max(most, at_once[repository])
        if repository == "octo/demo":
            await released.wait()
        at_once[repository] -= 1
        return repository

    monkeypatch.setattr(Commanded, "handle", linger)
    for number in range(11, 16):
        await put(place, worker, comment(place, number=number))
    other = {"full_name": "octo/other", "default_branch": "main"}
    await put(place, worker, comment(place, number=20, repository=other))
    async with working(worker):

        async def is_done() -> bool:
            return ("done", "octo/other") in await states(place)

        await eventually(is_done)
        released.set()
        await settled(place)
    assert most == module.OF_A_REPOSITORY


async def test_what_came_later_waits_for_what_was_put_off(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = list[str]()

    async def fail_once(commanded: Commanded) -> str:
        order.append(commanded.comment.body)
        if len(order) == 1:
            raise GitHubUnavailable("away")
        return "noted"

    monkeypatch.setattr(Commanded, "handle", fail_once)
    first, second = "/run-automation hello", "/run-automation cancel"
    async with working(worker):
        for body in (first, second):
            await put(place, worker, comment(place, body))
        await settled(place)
    assert order == [first, first, second]


async def test_as_long_as_github_asks_for_it_is_left_alone(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(monkeypatch, GitHubUnavailable("a limit", wait=0.6))
    async with working(worker):
        await put(place, worker, comment(place))
        await settled(place)
    assert tried[1] - tried[0] >= 0.6


async def test_whoever_comments_without_end_is_not_answered(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMENTS_PER_HOUR", 3)
    place.bot.settings = replace(place.bot.settings, caps=replace(place.bot.settings.caps, per_user=2))

    async def note(commanded: Commanded) -> str:
        return commanded.comment.author.login

    monkeypatch.setattr(Commanded, "handle", note)
    bob = {"login": "bob", "id": 6, "type": "User"}
    async with working(worker):
        for _count in range(5):
            await put(place, worker, comment(place))
        await put(place, worker, comment(place, sender=bob))
        found = [note for _state, note in await settled(place)]
    assert found[:3] == ["alice"] * 3
    assert all("within an hour" in note for note in found[3:5])
    assert found[5] == "alice"


async def test_the_database_away_is_borne(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, all_left = place.bot.store.requests, list[list[DatabaseUnavailable]]()
    for name in ("due", "next_due"):
        real, left = getattr(rows, name), [DatabaseUnavailable("the disk is full")]
        all_left.append(left)

        async def fail_once(*words: Any, _real: Any = real, _left: Any = left, **named: Any) -> Any:
            if _left:
                raise _left.pop()
            return await _real(*words, **named)

        monkeypatch.setattr(rows, name, fail_once)
    async with working(worker) as task:
        await put(place, worker, comment(place))
        await eventually(lambda: not any(all_left), 20)
        assert not task.done()
        assert [state for state, _ in await settled(place)] == ["done"]


def test_a_request_is_tried_for_as_long_as_github_keeps_its_delivery() -> None:
    pauses = [PAUSES[min(tries, len(PAUSES) - 1)] for tries in range(module.TRIES - 1)]
    assert module.TRIED_FOR <= sum(pauses) <= module.TRIED_FOR + PAUSES[-1]


@pytest.mark.parametrize(
    ("event", "changes", "expected"),
    [
        ("issue_comment", {}, True),
        ("issue_comment", {"action": "edited"}, True),
        ("ping", {}, False),
        ("meta", {}, False),
        ("check_run", {}, False),
        ("check_suite", {}, False),
        ("status", {}, False),
        ("workflow_job", {}, False),
        ("deployment_status", {}, False),
        ("issue_comment", {"installation": None}, False),
        ("issue_comment", {"repository": None}, False),
    ],
)
async def test_what_asks_for_anything(
    place: Place, event: str, changes: dict[str, Any], expected: bool
) -> None:
    assert is_wanted(event, comment(place, **changes), place.app.id) is expected
