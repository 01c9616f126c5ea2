"""A bot of its own for each test, on the agent-server that all share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from automation.github import client
from bot.runs import delays, driver
from tests.bot.runs.place import Place, opened
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(delays, "PAUSES", (0.05,))
    monkeypatch.setattr(driver, "SWEEP_EVERY", 0.1)


@pytest.fixture
async def place(github: FakeGitHub, server: RealServer, tmp_path: Path, _quick: None) -> AsyncIterator[Place]:
    async with opened(tmp_path, github, server) as place:
        yield place
