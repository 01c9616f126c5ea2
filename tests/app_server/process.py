"""OpenHands' own app server as a process of ours, whose sandboxes are agent-servers on loopback."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".cache/app-server/bin/python"
READY_WITHIN = 120
KEY = "the-app-servers-key"


class AppServer:
    """One app server.

    Attributes:
        key: that it asks for, as `X-Session-API-Key`.
    """

    def __init__(self, home: Path, key: str = KEY) -> None:
        self.home = home
        self.key = key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        (self.home / "data").mkdir(parents=True)
        wrapper = self.home / "python"
        # Its sandboxes would listen on all addresses of this machine.
        wrapper.write_text(f'#!/bin/sh\nexec "{PYTHON}" "$@" --host 127.0.0.1\n')
        wrapper.chmod(0o755)
        environment = {
            name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ
        }
        environment |= {
            "HOME": str(self.home),
            "RUNTIME": "process",
            "OH_PERSISTENCE_DIR": str(self.home / "data"),
            "OH_WORKSPACE_PATH": str(self.home / "workspaces"),
            "OH_BASH_EVENTS_DIR": str(self.home / "bash_events"),
            "OH_CONVERSATIONS_PATH": str(self.home / "conversations"),
            "OH_ENABLE_VSCODE": "0",
            "OH_PRELOAD_TOOLS": "0",
            "OH_SANDBOX_KIND": "ProcessSandboxServiceInjector",
            "OH_SANDBOX_SPEC_KIND": "ProcessSandboxSpecServiceInjector",
            "OH_SANDBOX_PYTHON_EXECUTABLE": str(wrapper),
            "OH_SANDBOX_BASE_PORT": str(free_port()),
            "OH_SANDBOX_BASE_WORKING_DIR": str(self.home / "sandboxes"),
            "SERVE_FRONTEND": "false",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONPATH": str(Path(__file__).parent),
            "SESSION_API_KEY": self.key,
        }
        command = [
            str(PYTHON),
            "-m",
            "uvicorn",
            "launcher:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
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
                    if (await http.get(f"{self.url}/alive", timeout=2)).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.2)
        raise AssertionError(
            f"the app server did not start: {(self.home / 'server.log').read_text()[-2000:]}"
        )

    async def create(self) -> str:
        """A sandbox that somebody else makes; its id."""
        async with self._client() as http:
            answer = await http.post("/api/v1/sandboxes", timeout=60)
            return str(answer.json()["id"])

    async def sandboxes(self) -> list[str]:
        """Ids of those that are there."""
        async with self._client() as http:
            answer = await http.get("/api/v1/sandboxes/search")
            return [str(each["id"]) for each in answer.json()["items"]]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, headers={"X-Session-API-Key": self.key}, trust_env=False, timeout=20
        )

    def processes(self, containing: str = "") -> list[psutil.Process]:
        """Living processes of its sandboxes and of what ran in them.

        Args:
            containing: text in the command line.
        """
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    (self._process is None or process.pid != self._process.pid)
                    and process.status() != psutil.STATUS_ZOMBIE
                    and process.environ().get("OH_BASH_EVENTS_DIR") == str(self.home / "bash_events")
                    and containing in " ".join(process.cmdline())
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
async def app_server(home: Path) -> AsyncIterator[AppServer]:
    server = AppServer(home)
    try:
        await server.start()
        yield server
    finally:
        server.end()
