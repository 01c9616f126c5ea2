"""Backend `embedded`: a real agent-server on loopback, made for this process and gone with it.

It has a random key, directories of its own (its home among them) and an environment made from an allow-list,
so that neither our secrets nor our files are near an automation by accident. It isolates nothing else: what
runs there runs as this user. The guard (`guard.py`) is what makes it go away even when we are killed.
"""

import asyncio
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from automation.agent_server import AgentServer
from automation.backends import BackendName
from automation.connection import AgentConnection
from automation.errors import Misconfigured, ServerUnavailable

ENDED = "ended"
READY_WITHIN = 180.0
STOPPED_WITHIN = 30.0
INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PYENV_ROOT",
    "UV_PYTHON_INSTALL_DIR",
)


@dataclass(frozen=True)
class EmbeddedServer:
    """An agent-server of our own.

    Attributes:
        port: on loopback; 0 for any free one.
        session_key: empty for a random one.
        waiting: told, about once a second, for how many seconds the server has been starting.
    """

    port: int = 0
    session_key: str = ""
    waiting: Callable[[float], None] = lambda _: None
    name: BackendName = BackendName.EMBEDDED

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AgentConnection]:
        """Start the server, wait until it is ready, end it and all that it started.

        Raises:
            Misconfigured: it is not installed.
            ServerUnavailable: it did not become ready; says what it printed last.
        """
        if importlib.util.find_spec("openhands") is None:
            raise Misconfigured(
                "no agent-server is installed here: pip install '.[embedded]' in a checkout of automation-action, "
                "or set AUTOMATION_AGENT_SERVER_URL to one that runs elsewhere"
            )
        # The guard makes it, so that there is never a directory that nobody would remove.
        home = Path(tempfile.gettempdir()) / f"automation-embedded-{secrets.token_hex(8)}"
        port = self.port or _free_port()
        connection = AgentConnection(
            f"http://127.0.0.1:{port}", self.session_key or secrets.token_urlsafe(32)
        )
        guard = _start_guard(home, port, connection.session_key)
        try:
            await self._until_ready(connection, guard, home)
            yield connection
        finally:
            await asyncio.shield(_end(guard, home))

    async def _until_ready(
        self, connection: AgentConnection, guard: "subprocess.Popen[bytes]", home: Path
    ) -> None:
        loop = asyncio.get_running_loop()
        began = told = loop.time()
        async with AgentServer(connection) as server:
            while True:
                try:
                    # Only our own server knows the key: the port could be somebody else's.
                    if await server.is_ready():
                        await server.execute("true", timeout=10)
                        return
                except ServerUnavailable:
                    pass
                except Misconfigured:
                    raise Misconfigured(
                        f"something else answers on port {connection.url.rsplit(':', 1)[1]}; give another --port"
                    ) from None
                waited = loop.time() - began
                ended = guard.poll() is not None or (home / ENDED).exists()
                if ended or waited > READY_WITHIN:
                    said = await asyncio.to_thread(_last_words, home, connection.session_key)
                    how = "ended at once" if ended else f"is not ready after {waited:.0f} s"
                    raise ServerUnavailable(f"the embedded agent-server {how}; it said: {said}")
                if loop.time() - told >= 1:
                    told = loop.time()
                    self.waiting(waited)
                await asyncio.sleep(0.05)


def server_environment(home: Path, session_key: str, ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of an embedded server, which its commands inherit: nothing but what is named here."""
    inherited = {name: ours[name] for name in INHERITED if name in ours}
    path = os.pathsep.join(filter(None, [inherited.get("PATH"), str(Path(sys.executable).parent)]))
    return inherited | {
        "PATH": path,
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "SESSION_API_KEY": session_key,
        "OH_SECRET_KEY": secrets.token_urlsafe(32),
        "OH_BASH_EVENTS_DIR": str(home / "bash_events"),
        "OH_CONVERSATIONS_PATH": str(home / "conversations"),
        "OH_PERSISTENCE_DIR": str(home / "persistence"),
        "OH_WORKSPACE_PATH": str(home / "workspaces"),
        "OH_ENABLE_VSCODE": "0",
        "OH_PRELOAD_TOOLS": "0",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def _start_guard(home: Path, port: int, session_key: str) -> "subprocess.Popen[bytes]":
    """The guard, not as a child of the event loop: that would kill it when the loop is closed in a hurry."""
    guard = subprocess.Popen(
        [sys.executable, "-P", "-m", "automation.backends.guard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    plan = {
        "command": [
            sys.executable,
            "-m",
            "openhands.agent_server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        "environment": server_environment(home, session_key, os.environ),
        "home": str(home),
        "ended": str(home / ENDED),
    }
    assert guard.stdin is not None  # noqa: S101
    guard.stdin.write(json.dumps(plan).encode() + b"\n")
    guard.stdin.flush()
    return guard


async def _end(guard: "subprocess.Popen[bytes]", home: Path) -> None:
    """Closing its standard input tells the guard to end everything and to remove the directory.

    It does so even if nobody waits for it any more.
    """
    assert guard.stdin is not None  # noqa: S101
    guard.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOPPED_WITHIN):
            while guard.poll() is None:  # noqa: ASYNC110  # no loop watches this child, on purpose
                await asyncio.sleep(0.02)
    if guard.poll() is None:
        guard.kill()
        guard.wait()
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_words(home: Path, session_key: str) -> str:
    try:
        lines = (home / "server.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        return "nothing"
    return " / ".join(line.strip() for line in lines[-3:]).replace(session_key, "***")[-500:] or "nothing"
