"""OpenHands' own app server for the stories of sandboxes: one for all of them, beside somebody else's sandbox."""

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.app_server.process import PYTHON, ROOT, AppServer, app_server
from tests.desk import Desk


@dataclass(frozen=True)
class Account:
    """An account of a real app server.

    Attributes:
        others: a sandbox of somebody else's.
    """

    app: AppServer
    others: str

    def settings(self, desk: Desk) -> dict[str, Any]:
        """How the command line is told of it."""
        return {
            "AUTOMATION_CLOUD_API_URL": self.app.url,
            "AUTOMATION_CLOUD_AUTH": "session-key",
            "OPENHANDS_API_KEY": self.app.key,
            "XDG_STATE_HOME": str(desk.root / "state"),
        }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def account(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Account]:
    if os.environ.get("CI"):
        subprocess.run([ROOT / ".ci/app-server"], check=True, stdout=subprocess.DEVNULL)
    if not PYTHON.exists():
        pytest.skip("needs OpenHands' app server: `.ci/app-server`")
    async with app_server(tmp_path_factory.mktemp("app-server") / "home") as app:
        yield Account(app, await app.create())
