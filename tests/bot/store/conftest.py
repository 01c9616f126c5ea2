"""A database of its own for each test: a real file, and one of a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import Database
from tests.postgresql import PostgreSQL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def on_postgresql(postgres: PostgreSQL) -> Iterator[str]:
    """The URL of an empty one; its tables may be there already."""
    with postgres.emptied() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, path: Path) -> str:
    """The URL of each of both."""
    if request.param == "sqlite":
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("on_postgresql")
    return url


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    async with Database.open(address) as database:
        yield database
