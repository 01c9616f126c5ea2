"""A server of ours as a process on loopback: started, waited for, ended, with everything that it has started."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import httpx
import psutil

READY_WITHIN = 120


class Process(Protocol):
    """What is asked of a process of ours, whoever has started it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


type Begin = Callable[[Sequence[str], Mapping[str, str], Path, Path], Process]
"""Starts a process by its command, with an environment, in a directory, writing to a log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(
    command: Sequence[str], environment: Mapping[str, str], home: Path, log: Path
) -> "subprocess.Popen[bytes]":
    """A process in a session of its own, which writes to a log."""
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


async def until_ready(process: Process, url: str, log: Path, within: float) -> None:
    """Wait until it answers there with success, so many seconds at the most."""
    deadline = time.monotonic() + within
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(url, timeout=2)).is_success:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(f"{url} did not get ready: {log.read_text()[-3000:]}")


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
        self._process: Process | None = None

    async def begin(
        self, command: Sequence[str], environment: Mapping[str, str], ready: str, begin: Begin = begin
    ) -> None:
        """Start it and wait for its path `ready`."""
        listening = ["--host", "127.0.0.1", "--port", str(self.port)]
        log = self.home / "server.log"
        self._process = begin([*command, *listening], environment, self.home, log)
        await until_ready(self._process, f"{self.url}{ready}", log, READY_WITHIN)

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
