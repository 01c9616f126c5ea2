"""Real agent-servers for tests: started, killed, restarted and ended like a user's, on loopback."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from automation.backends.embedded import server_environment

if TYPE_CHECKING:
    from tests.fakes.cloud.cloud import FakeCloud

READY_WITHIN = 120
# An interpreter whose environment holds another agent-server: the stories hold from 1.34 on.
PYTHON = os.environ.get("AGENT_SERVER_PYTHON", sys.executable)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealServer:
    """`openhands.agent_server` as a process of ours, with directories of its own under `home`.

    Attributes:
        cloud: the Cloud in whose sandboxes it is reached; None where it is reached as itself.
    """

    cloud: "FakeCloud | None" = None

    def __init__(self, home: Path, key: str = "the-test-session-key") -> None:
        self.home = home
        self.key = key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

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
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PYTHON,
                    "-m",
                    "openhands.agent_server",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(self.port),
                ],
                env=environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as http:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{self.url}/ready", timeout=2)).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.1)
        raise AssertionError(
            f"the agent-server did not get ready: {(self.home / 'server.log').read_text()[-2000:]}"
        )

    def kill(self) -> None:
        """KILL the server; what it started goes on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def kill_everything(self) -> None:
        """KILL the server and all that it started, as a reboot would."""
        self.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def processes(self, containing: str = "") -> list[psutil.Process]:
        """Living processes that inherited this server's environment, without the server itself.

        Args:
            containing: text in the command line, or the id of the run that they belong to.
        """
        found = []
        own = self._process.pid if self._process else 0
        events = str(self.home / "bash_events")
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    process.pid != own
                    and process.status() != psutil.STATUS_ZOMBIE
                    and (environment := process.environ()).get("OH_BASH_EVENTS_DIR") == events
                    and containing in " ".join([*process.cmdline(), environment.get("AUTOMATION_RESULT", "")])
                ):
                    found.append(process)
        return found

    def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.asynccontextmanager
async def real_server(home: Path, key: str = "the-test-session-key") -> AsyncIterator[RealServer]:
    server = RealServer(home, key)
    try:
        await server.start()
        yield server
    finally:
        server.end()
