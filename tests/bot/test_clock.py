"""Time that nobody can set: in one process, and from one to the next."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import clock as module
from bot.clock import Clock, uptime
from bot.store.store import Store

HOUR = 3600.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path / 'bot.db'}") as store:
        yield store


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Somebody sets the machine's clock."""
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + seconds)


def boots(monkeypatch: pytest.MonkeyPatch, directory: Path, name: str) -> None:
    """The machine has been started, and calls it this."""
    file = directory / "boot_id"
    file.write_text(f"{name}\n")
    monkeypatch.setattr(module, "BOOT", file)


def test_it_begins_with_the_machines_time() -> None:
    before = time.time()
    assert Clock().now() == pytest.approx(before, abs=1)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_whoever_sets_the_machines_clock_does_not_set_this_one(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    clock, before = Clock(), time.time()
    set_clock(monkeypatch, seconds)
    assert clock.now() == pytest.approx(before, abs=1)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_who_comes_next_goes_on_with_the_same_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    first, before = await Clock.of(store.facts, time.time()), time.time()
    set_clock(monkeypatch, seconds)
    assert await Clock.of(store.facts, time.time()) == first
    assert first.now() == pytest.approx(before, abs=1)


async def test_after_another_start_of_the_machine_its_clock_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boots(monkeypatch, tmp_path, "first")
    await Clock.of(store.facts, time.time())
    set_clock(monkeypatch, HOUR)
    boots(monkeypatch, tmp_path, "second")
    assert (await Clock.of(store.facts, time.time())).now() == pytest.approx(time.time(), abs=1)


async def test_a_start_that_has_the_name_of_another_one_is_told_by_its_uptime(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Clock.of(store.facts, time.time())
    set_clock(monkeypatch, HOUR)
    less = uptime() / 2
    monkeypatch.setattr(module, "uptime", lambda: less)
    clock = await Clock.of(store.facts, time.time())
    assert clock.now() == pytest.approx(time.time(), abs=1)
    assert await Clock.of(store.facts, time.time()) == clock


async def test_where_starts_have_no_names_each_process_reads_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "BOOT", tmp_path / "none")
    await Clock.of(store.facts, time.time())
    set_clock(monkeypatch, HOUR)
    assert (await Clock.of(store.facts, time.time())).now() == pytest.approx(time.time(), abs=1)
