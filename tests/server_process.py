"""A server of ours as a process on loopback: started, waited for, ended, with everything that it has started."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import psutil

READY_WITHIN = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """One server.

    Attributes:
        home: directory of its own.
        key: that it asks for, as `X-Session-API-Key`.
    """

    def __init__(self, home: Path, key: str) -> None:
        self.home = home
        self.key = key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def begin(self, command: Sequence[str], environment: Mapping[str, str], ready: str) -> None:
        """Start it and wait for its path `ready`."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                env=environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as http:
            while time.monotonic() < deadline and self._process.poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{self.url}{ready}", timeout=2)).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.1)
        said = (self.home / "server.log").read_text()[-2000:]
        raise AssertionError(f"{' '.join(command)} did not get ready: {said}")

    def kill(self) -> None:
        """KILL the server; what it started goes on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

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

    def kill_processes(self) -> None:
        """KILL what it started."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self.kill_processes()
