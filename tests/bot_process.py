"""A real bot: `automation-bot serve` as a process of ours, to be stopped, killed and started again."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from tests.fakes.github.apps import App
from tests.prefork import Nursery
from tests.server_process import Process, begin, free_port, until_ready
from tests.servers import RealServer
from tests.settable_clock import SettableClock

ROOT = Path(__file__).parents[1]
READY_WITHIN = 30.0
STOPPED_WITHIN = 15.0
SECRET = "the-webhook-secret-of-tests"
OPERATOR = "the-operator-token-of-tests"


@dataclass
class BotProcess:
    """One installation of the bot; its database outlives its process.

    Attributes:
        more: settings beside the usual ones.
        module: what is started, in place of the bot as it is.
        clock: that it runs by; None for this machine's.
        nursery: that forks it; None for a start as everybody's.
    """

    home: Path
    app: App
    server: RealServer
    more: dict[str, str] = field(default_factory=dict)
    module: str = "bot"
    clock: SettableClock | None = None
    port: int = field(default_factory=free_port)
    _key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    nursery: Nursery | None = None
    _process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook(self) -> str:
        return f"{self.url}/webhook"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it is alive."""
        assert self._process is not None
        return self._process.poll()

    @property
    def log(self) -> str:
        return (self.home / "bot.log").read_text()

    @property
    def replica(self) -> str:
        """What it calls itself in its log."""
        return self.log.rpartition(" replica ")[2].split()[0]

    def environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return inherited | {
            "BOT_GITHUB_APP_ID": str(self.app.id),
            "BOT_GITHUB_PRIVATE_KEY": self.app.private_key,
            "BOT_WEBHOOK_SECRET": SECRET,
            "BOT_GITHUB_API_URL": self.app.world.url,
            "BOT_PUBLIC_URL": self.url,
            "BOT_DATABASE_URL": f"sqlite:///{self.home / 'bot.sqlite3'}",
            "BOT_SECRET_KEY": self._key,
            "BOT_OPERATOR_TOKEN": OPERATOR,
            **self._place(),
            "PYTHONPATH": str(ROOT),
            **self.more,
        }

    def _place(self) -> dict[str, str]:
        """Where its runs are: on the server, or in the sandboxes before it."""
        if cloud := self.server.cloud:
            return {"AUTOMATION_CLOUD_API_URL": cloud.url, "OPENHANDS_API_KEY": cloud.key or ""}
        return {
            "AUTOMATION_AGENT_SERVER_URL": self.server.url,
            "AUTOMATION_AGENT_SERVER_API_KEY": self.server.key,
        }

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self.home.mkdir(parents=True, exist_ok=True)
        log = self.home / "bot.log"
        words = ["serve", "--port", str(self.port)]
        if self.nursery is not None and self.clock is None:
            self._process = self.nursery.begin([self.module, *words], self.environment(), self.home, log)
        else:
            module = self.clock.arguments(self.module) if self.clock else ["-m", self.module]
            command = [sys.executable, *module, *words]
            self._process = begin(command, self.environment(), self.home, log)
        await until_ready(self._process, f"{self.url}/readyz", log, READY_WITHIN)

    def kill(self) -> None:
        """Kill it at once, as a machine that loses its power would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOPPED_WITHIN)

    async def terminate(self) -> int:
        """Ask it to stop, as a service manager would; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, STOPPED_WITHIN)

    def end(self) -> None:
        """Whatever the story did to it, it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOPPED_WITHIN)
