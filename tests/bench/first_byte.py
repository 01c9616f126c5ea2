"""From the start of the Action's step to the first byte that the agent-server sees, in a workflow run by act.

Against a step that only sends a request with curl. The environment is warm after one run before.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.act import Act, copy_action, make_workspace
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.workflow import REPOSITORY

ROUNDS = 5
PERMISSIONS = {"checks": "write", "contents": "read"}
STEPS = {
    "ours": "uses: org/automation-action@v1\n        with: {{automation: review, agent-server-url: {url}, agent-server-api-key: {key}}}",
    "bare": "run: curl -s -o /dev/null {url}/ready",
}
WORKFLOW = """on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: it
        {step}
"""


@dataclass
class Wire:
    """A loopback port in front of a server that notes when something arrives."""

    port: int
    heard: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Everything is handed on to the server at `port`."""
    wire = Wire(0)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, there_writer, wire.heard))
            both.create_task(_pump(there_reader, writer, []))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield wire


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: list[float]) -> None:
    while data := await source.read(65536):
        heard.append(time.monotonic())
        sink.write(data)
        await sink.drain()
    sink.close()


async def measure(server: RealServer) -> tuple[list[float], list[float]]:
    """Seconds with the Action and with curl, in turn, after one warm-up of each."""
    waits: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="bench-act-") as name, FakeGitHub() as github:
        directory = Path(name)
        act = Act(directory, copy_action(directory / "action"), github)
        workspaces = {}
        async with wire_to(server.port) as wire:
            for each, step in STEPS.items():
                text = WORKFLOW.format(step=step.format(url=wire.url, key=server.key))
                workspaces[each] = directory / each
                make_workspace(workspaces[each], text, "echo hi\n")
            github.repository(REPOSITORY, git=workspaces["ours"])
            for _ in range(ROUNDS + 1):
                for each, workspace in workspaces.items():
                    token = github.job_token(REPOSITORY, run_id=4242, permissions=PERMISSIONS)
                    wire.heard.clear()
                    ran = await act.run(workspace, "push", {}, token.value)
                    assert ran.code == 0, ran.printed
                    began = next(
                        line.at for line in ran.lines if "⭐ Run Main" in line.text and line.steps == ("it",)
                    )
                    waits[each].append(wire.heard[0] - began)
    return waits["ours"][1:], waits["bare"][1:]
