"""Real agent-servers for tests: started, killed, restarted and ended like a user's, on loopback."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from automation.backends.embedded import server_environment
from tests.prefork import Nursery
from tests.server_process import ServerProcess
from tests.settable_clock import SettableClock

if TYPE_CHECKING:
    from tests.fakes.cloud.cloud import FakeCloud

# An interpreter whose environment holds another agent-server: the stories hold from 1.34 on.
PYTHON = os.environ.get("AGENT_SERVER_PYTHON", sys.executable)
MODULE = "openhands.agent_server"
KEY = "the-test-session-key"


class RealServer(ServerProcess):
    """`openhands.agent_server` as a process of ours, with directories of its own under `home`.

    Attributes:
        cloud: the Cloud in whose sandboxes it is reached; None where it is reached as itself.
        clock: that it runs by; None for this machine's.
        nursery: that forks it; None for a start as everybody's.
    """

    cloud: "FakeCloud | None" = None
    clock: SettableClock | None = None

    def __init__(self, home: Path, key: str = KEY, nursery: Nursery | None = None) -> None:
        super().__init__(home, key)
        self.nursery = nursery

    @property
    def runs(self) -> Path:
        """Where run directories are made."""
        return self.home / "workspaces" / "automation-runs"

    def directories(self) -> list[str]:
        return sorted(path.name for path in self.runs.iterdir()) if self.runs.exists() else []

    async def start(self) -> None:
        for name in ("home", "tmp"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        environment = server_environment(self.home, self.key, os.environ)
        if not self.key:
            del environment["SESSION_API_KEY"]
        if self.clock:
            environment |= self.clock.environment(environment["PATH"])
            await self.begin([PYTHON, *self.clock.arguments(MODULE)], environment, "/ready")
        elif self.nursery:
            await self.begin([MODULE], environment, "/ready", self.nursery.begin)
        else:
            await self.begin([PYTHON, "-m", MODULE], environment, "/ready")

    def kill_everything(self) -> None:
        """KILL the server and all that it started, as a reboot would."""
        self.kill()
        self.kill_processes()


@contextlib.asynccontextmanager
async def real_server(
    home: Path, key: str = KEY, nursery: Nursery | None = None
) -> AsyncIterator[RealServer]:
    server = RealServer(home, key, nursery)
    try:
        await server.start()
        yield server
    finally:
        server.end()
