"""A receiver of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.inbox.receiver import Receiver, receiving


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
async def receiver(path: Path) -> AsyncIterator[Receiver]:
    async with receiving(path) as receiver:
        yield receiver
