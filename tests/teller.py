"""The language that the stories are told in: an automation's files in, an outcome to look at out."""

import asyncio
import io
import tarfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from automation.backends import Backend
from automation.backends.agent_server import PersistentServer
from automation.backends.cloud import CloudSandbox
from automation.cloud import account_of
from automation.connection import AgentConnection
from automation.outcome import Outcome
from automation.run.attention import Attention
from automation.run.conduct import Conductor
from automation.run.progress import Phase
from automation.run.start import Order
from automation.run.stop_request import StopRequest
from tests.servers import RealServer

OWNER = "cli:0123456789abcdef:8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1:1:1796000000"


def tarball(files: dict[str, str]) -> bytes:
    """A tar.gz of these files; scripts are executable."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            member.mode = 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


@dataclass
class Watcher:
    """Listens to a run and lets a story wait for what it sees."""

    phases: list[Phase] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    notes: list[str] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    on_phase: Callable[[Phase], None] = lambda _: None

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.phases.append(phase)
        self.on_phase(phase)
        self._changed.set()

    def output(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self._changed.set()

    @property
    def text(self) -> str:
        return self.data.decode()

    async def sees(self, text: str, within: float = 30) -> None:
        """Wait until the output has this in it."""
        async with asyncio.timeout(within):
            while text.encode() not in self.data:
                self._changed.clear()
                await self._changed.wait()


@dataclass
class Run:
    """A run under way."""

    run_id: str
    watcher: Watcher
    stop: StopRequest
    task: "asyncio.Task[Outcome]"

    async def ends(self, within: float = 60) -> Outcome:
        async with asyncio.timeout(within):
            return await self.task


def begin(
    server: RealServer,
    files: dict[str, str],
    entrypoint: str = "bash main.sh",
    *,
    connection: AgentConnection | None = None,
    run_id: str | None = None,
    interval: float = 0.2,
    patience: float = 60,
    secrets: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    keep: bool = False,
    **order: Any,
) -> Run:
    """Start to conduct a run of these files, on the server or in a sandbox before it."""
    watcher, stop = Watcher(), StopRequest()
    bundle = order.pop("bundle", None) or tarball(files)
    order_made = Order(run_id or str(uuid4()), entrypoint, bundle, outputs=outputs, **order)

    async def conduct() -> Outcome:
        backend = backend_of(server, keep=keep) if connection is None else PersistentServer(connection)
        async with backend.connect() as obtained:
            if keep and server.cloud and obtained.sandbox_id:
                server.cloud.box(obtained.sandbox_id).is_kept = True
            return await Conductor(
                obtained,
                order_made,
                secrets=secrets,
                patience=patience,
                keep=keep,
                attention=Attention(interval, lambda _: interval),
                progress=watcher,
                stop=stop,
            ).conduct()

    return Run(order_made.run_id, watcher, stop, asyncio.create_task(conduct()))


def backend_of(server: RealServer, *, keep: bool = False) -> Backend:
    """How a run comes to this server."""
    if server.cloud is None:
        return PersistentServer(AgentConnection(server.url, server.key))
    return CloudSandbox(account_of(server.cloud.url, server.cloud.key or ""), OWNER, keep=keep)


async def run(server: RealServer, main: str, **options: Any) -> Outcome:
    """Run a `main.sh` to its end."""
    files = {"main.sh": main} | options.pop("files", {})
    return await begin(server, files, **options).ends()


async def eventually(holds: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float = 10) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.05)


def ended(outcome: Outcome) -> tuple[str, str]:
    """How it ended, in the words of the table."""
    return outcome.verdict.conclusion, outcome.verdict.reason
