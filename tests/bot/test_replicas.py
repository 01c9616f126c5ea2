"""Replicas of one database: each duty has one of them, and what one says the others hear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from bot import bell as bells
from bot import replicas as module
from bot.bell import Bell, Word
from bot.metrics import Metrics
from bot.replicas import Replicas
from bot.store.errors import DatabaseUnavailable
from bot.store.replicas import SILENT_FOR
from bot.store.store import Store
from tests.postgresql import PostgreSQL
from tests.teller import eventually


@dataclass
class Member:
    """One replica, which notes what it does."""

    replicas: Replicas
    bell: Bell
    heard: list[tuple[Word, UUID | None]] = field(default_factory=list)
    at_work: bool = False
    turns: int = 0

    async def work(self) -> None:
        self.at_work, self.turns = True, self.turns + 1
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work = False


@asynccontextmanager
async def member(url: str) -> AsyncIterator[Member]:
    async with Store.open(url) as store:
        metrics = Metrics()
        replicas = Replicas(store, metrics)
        bell = Bell(replicas, metrics)
        made = Member(replicas, bell)
        async with replicas.among(), bell.open(lambda word, run: made.heard.append((word, run))):
            duty = asyncio.create_task(replicas.on_duty("work", made.work))
            try:
                yield made
            finally:
                duty.cancel()
                await asyncio.wait([duty])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_EVERY", 0.1)
    monkeypatch.setattr(bells, "AGAIN_AFTER", 0.1)


async def test_a_process_with_a_file_is_alone_and_does_all(tmp_path: Path) -> None:
    async with member(f"sqlite:///{tmp_path / 'bot.db'}") as alone:
        assert await alone.replicas.others() == set()
        await eventually(lambda: alone.at_work)
        alone.bell.ring(Word.POKE)
        assert alone.heard == []


async def test_one_is_on_duty_and_the_next_takes_over(postgres: PostgreSQL) -> None:
    with postgres.database() as url:
        async with member(url) as second:
            async with member(url) as first:
                assert await second.replicas.others() == {first.replicas.id}
                await eventually(lambda: first.at_work or second.at_work)
                on_duty = first if first.at_work else second
                await asyncio.sleep(0.5)
                assert [first.at_work, second.at_work].count(True) == 1
                assert on_duty.turns == 1
            await eventually(lambda: second.at_work)
            assert await second.replicas.others() == set()


async def test_who_has_lost_its_duty_stops(postgres: PostgreSQL) -> None:
    with postgres.database() as url:
        async with member(url) as one:
            await eventually(lambda: one.at_work)
            async with Store.open(url) as store:
                await store.replicas.beat("thief")
                async with store.database.writing() as connection:
                    await connection.exec_driver_sql("UPDATE duties SET replica = 'thief'")
                await eventually(lambda: not one.at_work)
                await store.replicas.leave("thief")
            await eventually(lambda: one.at_work)


async def test_nobody_is_dead_for_that_the_database_was_away(
    postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever beats first after an outage waits until the others can have beaten, too."""
    with postgres.database() as url:
        async with member(url) as one, Store.open(url) as store:
            monkeypatch.setattr(module, "BEAT_EVERY", 60)
            await asyncio.sleep(0.3)
            await store.replicas.beat("other")
            async with store.database.writing() as connection:
                await connection.exec_driver_sql("UPDATE replicas SET seen_at = seen_at - 20")
            assert await one.replicas.others() == set()
            one.replicas._beaten_at -= 20
            assert await one.replicas.others() == {"other"}
            one.replicas._back_at -= SILENT_FOR
            assert await one.replicas.others() == set()


async def test_a_duty_goes_on_while_nobody_knows_whose_it_is(
    postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.database() as url:
        async with member(url) as one:
            await eventually(lambda: one.at_work)

            async def fail(*_: object) -> bool:
                raise DatabaseUnavailable("away")

            with monkeypatch.context() as patch:
                patch.setattr(one.replicas.store.replicas, "take", fail)
                await asyncio.sleep(0.5)
                assert one.at_work
                patch.setattr(module, "SILENT_FOR", 0.0)
                await asyncio.sleep(0.3)
                assert one.at_work, "it was promised longer"
            assert one.turns == 1


async def test_who_has_failed_to_beat_beats_again_before_anybody_takes_over(
    postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a restore makes the tables again, or the user may not write for a moment."""
    with postgres.database() as url:
        async with member(url) as one:
            await eventually(lambda: one.at_work)
            rows = one.replicas.store.replicas
            beat, failures = rows.beat, 0

            async def fail_once(replica: str) -> None:
                nonlocal failures
                failures += 1
                monkeypatch.setattr(rows, "beat", beat)
                raise ProgrammingError("INSERT", {}, Exception("permission denied for table replicas"))

            monkeypatch.setattr(rows, "beat", fail_once)
            await eventually(lambda: failures == 1)
            failed_at = one.replicas._beaten_at
            # After half of that time whoever asks for a duty would beat for it.
            await eventually(lambda: one.replicas._beaten_at > failed_at, SILENT_FOR / 3)
            assert one.turns == 1
        assert b'defects_total{where="beat"} 1.0' in one.replicas.metrics.text()


async def test_the_others_hear_what_one_says(postgres: PostgreSQL) -> None:
    with postgres.database() as url:
        async with member(url) as first, member(url) as second:
            for each in (first, second):
                await eventually(lambda each=each: (Word.REQUESTS, None) in each.heard)
                each.heard.clear()
            run = uuid4()
            first.bell.ring(Word.POKE, run)
            first.bell.ring(Word.REQUESTS)
            await eventually(lambda: len(second.heard) == 2)
            assert second.heard == [(Word.POKE, run), (Word.REQUESTS, None)]
            assert first.heard == []


async def test_what_may_have_been_missed_is_looked_at(
    postgres: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    with postgres.database() as url:
        async with member(url) as one:
            await eventually(lambda: len(one.heard) == 2)
            postgres.cut(url.rpartition("/")[2])
            await eventually(lambda: len(one.heard) == 4)
            assert one.heard == [(Word.POKE, None), (Word.REQUESTS, None)] * 2
            async with Store.open(url) as store:
                await store.database.notify(bells.CHANNEL, ["newer dance", "other poke nonsense", "x wake"])
            await eventually(lambda: len(one.heard) == 5)
            assert one.heard[-1] == (Word.WAKE, None)
