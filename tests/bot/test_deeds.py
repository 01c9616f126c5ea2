"""What was done unasked is counted and logged at once, and kept for all to see once the database takes it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import deeds as module
from bot.deeds import Deeds
from bot.metrics import Metrics
from bot.store.deeds import Deed
from bot.store.errors import DatabaseUnavailable
from bot.store.store import Store
from tests.teller import eventually


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path / 'bot.db'}") as store:
        yield store


async def test_it_is_counted_logged_and_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics = Metrics()
    deeds = Deeds(store, metrics)
    keeping = asyncio.create_task(deeds.keep_for_ever())
    deeds.note("first", "one")
    deeds.note("second", "two\0")

    async def are_kept() -> bool:
        return len(await store.deeds.last()) == 2

    await eventually(are_kept)
    assert [(each.kind, each.sentence) for each in await store.deeds.last()] == [
        ("second", "two?"),
        ("first", "one"),
    ]
    assert [each.kind for each in await store.deeds.last(1)] == ["second"]
    assert "one" in caplog.text
    assert b'automation_bot_watchdog_actions_total{what="first"} 1.0' in metrics.text()
    keeping.cancel()


async def test_a_database_that_is_away_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.05)
    add, tries = store.deeds.add, 0

    async def fail_once(done: list[Deed]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise DatabaseUnavailable("the disk is full")
        await add(done)

    monkeypatch.setattr(store.deeds, "add", fail_once)
    deeds = Deeds(store, Metrics())
    keeping = asyncio.create_task(deeds.keep_for_ever())
    deeds.note("first", "one")
    await eventually(lambda: tries == 2)
    await eventually(lambda: not deeds._unkept)
    assert len(await store.deeds.last()) == 1
    keeping.cancel()
