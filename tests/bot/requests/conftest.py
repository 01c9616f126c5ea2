"""A bot of its own for each test, whose runs nobody drives: what was accepted stays to be looked at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from automation.github import client
from tests.bot.runs.place import Place, opened
from tests.fakes.github.server import FakeGitHub


@pytest.fixture
async def place(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    async with opened(tmp_path, github) as place:
        place.bot.installations.apart = 0
        yield place
