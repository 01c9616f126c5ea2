"""A database of its own for each test: a real file, and one of a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    """The URL of each of both."""
    if request.param == "sqlite":
        yield f"sqlite:///{path}"
        return
    with request.getfixturevalue("postgres").emptied() as url:
        yield url


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    async with Database.open(address) as database:
        yield database
