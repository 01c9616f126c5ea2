"""From the end of the entrypoint to the verdict: our part, beside the server's own announcement in the same run.

A socket of the bench's own hears the announcement; the entrypoint writes down when it ended.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from uuid import uuid4

from websockets.asyncio.client import connect

from automation.connection import AgentConnection
from automation.run.progress import Phase
from tests.servers import RealServer
from tests.teller import begin

ROUNDS = 30
MAIN = 'sleep 0.3; python3 -c "import time; print(time.time())" > ../../ended-$AUTOMATION_RUN_ID'


@contextlib.asynccontextmanager
async def announcements(server: RealServer) -> AsyncIterator[dict[str, float]]:
    """When each command's end was announced, by command id."""
    heard: dict[str, float] = {}
    connection = AgentConnection(server.url, server.key)
    async with connect(
        f"{connection.websocket_url}/sockets/bash-events", additional_headers=connection.headers, proxy=None
    ) as socket:

        async def listen() -> None:
            async for frame in socket:
                event = json.loads(frame)
                if event.get("exit_code") is not None:
                    heard[event["command_id"]] = time.time()

        task = asyncio.create_task(listen())
        yield heard
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def measure(server: RealServer) -> tuple[list[float], list[float]]:
    """Seconds from announcement to verdict, and from the entrypoint's end to the announcement."""
    known: list[float] = []
    announced: list[float] = []
    async with announcements(server) as heard:
        for _ in range(ROUNDS):
            run_id = str(uuid4())
            times: dict[Phase, float] = {}

            def note(phase: Phase, times: dict[Phase, float] = times) -> None:
                times[phase] = time.time()

            story = begin(server, {"main.sh": MAIN}, run_id=run_id, interval=1)
            story.watcher.on_phase = note
            outcome = await story.ends()
            assert outcome.verdict.is_success
            assert outcome.command_id
            mark = server.runs / f"ended-{run_id}"
            at = heard[outcome.command_id]
            announced.append(at - float(mark.read_text()))
            known.append(times[Phase.RELEASE] - at)
            mark.unlink()
    return known, announced
