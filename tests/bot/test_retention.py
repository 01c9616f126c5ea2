"""What is old is forgotten, all of it; what somebody may still ask for stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import retention as module
from bot.retention import DAY, DELIVERIES_KEPT, RUNS_KEPT, Retention
from bot.runs.run import State
from bot.store.store import Store
from tests.bot.store.rows import NOW, a_delivery, a_run


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path / 'bot.sqlite3'}") as store:
        yield store


async def test_all_that_is_old_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    old = [
        a_delivery(received_at=NOW - DELIVERIES_KEPT - 1, is_request=number % 2 == 0) for number in range(20)
    ]
    new = a_delivery()
    await store.deliveries.add([*old, new])
    for request in await store.requests.due(NOW, 100):
        await store.requests.done(request.id)
    await Retention(store).forget(NOW)
    assert await store.deliveries.known([each.guid for each in [*old, new]]) == {new.guid}


async def test_what_is_left_to_do_is_never_old(store: Store) -> None:
    waiting = a_delivery(received_at=NOW - 100 * DAY)
    await store.deliveries.add([waiting])
    await Retention(store).forget(NOW)
    assert [each.delivery for each in await store.requests.due(NOW)] == [waiting.guid]


async def test_what_runs_have_said_goes_with_them(store: Store) -> None:
    ended = {"state": State.ENDED, "ended_at": NOW - RUNS_KEPT - 1}
    gone, there = a_run(**ended), a_run()
    for run in (gone, there):
        await store.runs.add(run)
        await store.facts.put(f"completion {run.id}", "{}")
    await store.facts.put("instance", "x")
    await Retention(store).forget(NOW)
    assert await store.runs.get(gone.id) is None
    assert await store.facts.get(f"completion {gone.id}") is None
    assert await store.facts.get(f"completion {there.id}") == "{}"
    assert await store.facts.get("instance") == "x"
