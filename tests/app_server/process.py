"""OpenHands' own app server as a process of ours, whose sandboxes are agent-servers on loopback."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.server_process import ServerProcess, free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".cache/app-server/bin/python"
KEY = "the-app-servers-key"


class AppServer(ServerProcess):
    """One app server."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, KEY)

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
        await self.begin([str(PYTHON), "-m", "uvicorn", "launcher:app"], environment, "/alive")

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


@contextlib.asynccontextmanager
async def app_server(home: Path) -> AsyncIterator[AppServer]:
    server = AppServer(home)
    try:
        await server.start()
        yield server
    finally:
        server.end()
