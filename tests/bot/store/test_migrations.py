"""The steps make what the schema says, once, and the newest of them is known."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from automation.errors import Misconfigured
from bot.store import Database
from bot.store.facts import Facts
from bot.store.schema import metadata
from tests.postgresql import PostgreSQL


def difference(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


@pytest.fixture
def on_postgresql(postgres: PostgreSQL) -> Iterator[str]:
    """One that nobody has used before."""
    with postgres.database() as url:
        yield url


async def test_the_steps_make_the_schema(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.run_sync(difference) == []


async def test_a_difference_would_be_seen(database: Database) -> None:
    async with database.writing() as connection:
        for statement in ("DROP INDEX ix_runs_lane_state", "ALTER TABLE facts ADD COLUMN more TEXT"):
            await connection.exec_driver_sql(statement)
        assert len(await connection.run_sync(difference)) == 2


async def test_the_database_of_a_newer_bot_is_left_alone(path: Path) -> None:
    async with Database.open(f"sqlite:///{path}") as database:
        await Facts(database).put("a", "b")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="newer version of the bot"):
        async with Database.open(f"sqlite:///{path}"):
            pass
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM facts").fetchall() == [("a",)]


async def test_a_step_that_fails_leaves_nothing(path: Path) -> None:
    """A table of the last step is in the way."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE secrets (x)")
    with pytest.raises(Misconfigured, match="secrets already exists"):
        async with Database.open(f"sqlite:///{path}"):
            pass
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("secrets",)
        ]
