"""A bot whose runs nobody drives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from automation.github import client
from tests.bot.runs.place import Place, opened, quick_keys
from tests.fakes.github.server import FakeGitHub


@pytest.fixture
async def place(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    with quick_keys():
        async with opened(tmp_path, github) as place:
            yield place
