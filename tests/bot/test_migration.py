"""A database is brought up to date, and a small installation moves to where it can have replicas, whole and once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from automation.errors import Misconfigured
from bot.cli import cli
from bot.store import Database
from bot.store.deliveries import DeliveryRows
from bot.store.facts import Facts
from bot.store.moving import refuse_moved
from bot.store.outputs import OutputRows
from bot.store.requests import RequestRows
from bot.store.runs import RunRows
from bot.store.schema import metadata
from tests.bot.store.rows import a_delivery, a_run
from tests.postgresql import PostgreSQL


@pytest.fixture
def shared(postgres: PostgreSQL) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def call(url: str, *words: str) -> Result:
    environment = {"BOT_DATABASE_URL": url}
    return CliRunner().invoke(cli, ["migrate", *words], env=environment, standalone_mode=False)


async def fill(url: str, runs: int) -> None:
    """A bot's database with so many runs."""
    async with Database.open(url) as database:
        await Facts(database).put("instance", "the-instance")
        for _ in range(runs):
            delivery = a_delivery()
            await DeliveryRows(database).add([delivery])
            [request] = await RequestRows(database).due(delivery.received_at + 1)
            run = a_run()
            await RunRows(database).add(run, request=request.id)
            await OutputRows(database).keep(run.id, b"head", b"tail", 8)
            await RequestRows(database).done(request.id)


async def counts(url: str) -> dict[str, int]:
    async with Database.open(url) as database, database.reading() as connection:
        tables = metadata.sorted_tables
        return {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables
        }


async def add_one_more(url: str) -> int:
    """A new request; its id."""
    async with Database.open(url) as database:
        delivery = a_delivery()
        await DeliveryRows(database).add([delivery])
        [request] = await RequestRows(database).due(delivery.received_at + 1)
        return request.id


def test_a_database_is_made_and_brought_up_to_date_and_that_twice(tmp_path: Path, shared: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'bot.db'}", shared):
        for _ in range(2):
            done = call(url)
            assert (done.exception, done.exit_code) == (None, 0)
            assert "is up to date" in done.output


def test_everything_moves(tmp_path: Path, shared: str) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    asyncio.run(fill(url, 3))
    before = asyncio.run(counts(url))
    done = call(shared, "--from", url)
    assert done.exception is None
    assert "3 deliveries, 3 requests, 3 runs" in done.output.replace("1 facts, ", "")
    assert asyncio.run(counts(shared)) == before
    assert asyncio.run(add_one_more(shared)) == 4
    again = call(shared, "--from", url)
    assert "had been moved" in again.output
    assert asyncio.run(counts(shared))["runs"] == 3


def test_what_is_left_behind_is_not_started_again(tmp_path: Path, shared: str) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    asyncio.run(fill(url, 1))
    call(shared, "--from", url)

    async def start(url: str) -> None:
        async with Database.open(url) as database:
            await refuse_moved(database)

    with pytest.raises(Misconfigured, match="was moved to postgresql://"):
        asyncio.run(start(url))
    asyncio.run(start(shared))


def test_an_interrupted_move_leaves_nothing(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    asyncio.run(fill(url, 1))

    async def die(_: Database) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("bot.store.moving._count_on", die)
        assert isinstance(call(shared, "--from", url).exception, ZeroDivisionError)
    assert not any(asyncio.run(counts(shared)).values())
    assert call(shared, "--from", url).exception is None


def test_another_bots_database_is_left_alone(tmp_path: Path, shared: str) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    asyncio.run(fill(url, 1))
    asyncio.run(add_one_more(shared))
    done = call(shared, "--from", url)
    assert isinstance(done.exception, Misconfigured)
    assert "is a bot's already, with deliveries in it" in done.exception.sentence


@pytest.mark.parametrize("source", ["sqlite:////nowhere/bot.db", "mysql://me:hunter2@db/bot", "bot.db"])
def test_a_wrong_source_is_named_by_its_option(shared: str, source: str) -> None:
    done = call(shared, "--from", source)
    assert isinstance(done.exception, Misconfigured)
    assert done.exception.sentence.startswith("--from")
    assert "hunter2" not in done.exception.sentence


def test_rows_of_an_older_bot_go_on(tmp_path: Path) -> None:
    """Those who know nothing of a new column write rows without it: a replica that is still up."""
    path = tmp_path / "bot.db"
    asyncio.run(fill(f"sqlite:///{path}", 1))
    with closing(sqlite3.connect(path)) as older, older:
        columns = [
            row[1] for row in older.execute("PRAGMA table_info(runs)") if row[1] not in {"driver", "id"}
        ]
        older.execute(
            f"INSERT INTO runs (id, {', '.join(columns)}) "
            f"SELECT '00000000-0000-0000-0000-000000000001', {', '.join(columns)} FROM runs".replace(
                " request,", ""
            )
        )
        assert older.execute("SELECT count(*) FROM runs WHERE driver = ''").fetchone() == (2,)
