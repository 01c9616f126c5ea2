"""The push channel: one bash-events socket per server and process, shared by all runs on that server.

The server admits 50 sockets and sends every command's events to each, so followers share one and name the
command that they wait for. A socket proves nothing by silence: without one, or after a gap, followers look
for themselves. It reconnects for as long as it is open; that it cannot connect is not an error here, because
the HTTP API is what tells whether a server lives.

Source: `/sockets/bash-events` of agent-server 1.58.0, measured: the end of a process is announced in 2 ms.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Self

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from automation.agent_server.command_record import CommandRecord
from automation.connection import AgentConnection

MAX_FRAME = (
    16 * 1024 * 1024
)  # one chunk is up to 1 Mi characters, up to 6 bytes each in JSON, and two streams
LONGEST_EARLY = 64 * 1024
PAUSES = (0.2, 0.5, 1, 2, 5, 10, 30)

log = logging.getLogger(__name__)


class _Connect(connect):
    """Follows no redirect: the key would travel with it."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class BashEvents:
    """Tells when commands end. Use as an async context manager.

    Args:
        now: where the server is by now; without it, it stays where it was.

    Attributes:
        connected: set while events arrive.
        connections: how often it has connected; a larger number than before means that there was a gap.
    """

    def __init__(self, connection: AgentConnection, now: Callable[[], AgentConnection] | None = None) -> None:
        self.connected = asyncio.Event()
        self.connections = 0
        self._now = now or (lambda: connection)
        self._ends: dict[str, asyncio.Future[CommandRecord]] = {}
        self._early: dict[str, CommandRecord] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name="bash-events")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def end_of(self, command_id: str) -> asyncio.Future[CommandRecord]:
        """Resolves when the command's end is announced; it may have been already."""
        future = self._ends.get(command_id)
        if future is None:
            future = self._ends[command_id] = asyncio.get_running_loop().create_future()
            if record := self._early.pop(command_id, None):
                future.set_result(record)
        return future

    def forget(self, command_id: str) -> None:
        if future := self._ends.pop(command_id, None):
            future.cancel()

    async def _listen(self) -> None:
        failures = 0
        while True:
            connections = self.connections
            try:
                await self._receive()
            except (OSError, WebSocketException, TimeoutError) as error:
                log.debug("bash-events: %s", type(error).__name__)
            finally:
                self.connected.clear()
            failures = 0 if self.connections > connections else failures + 1
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _receive(self) -> None:
        connection = self._now()
        async with _Connect(
            f"{connection.websocket_url}/sockets/bash-events",
            additional_headers=connection.headers,
            proxy=True if connection.uses_proxies else None,
            compression=None,
            max_size=MAX_FRAME,
            open_timeout=10,
        ) as socket:
            self.connections += 1
            self.connected.set()
            async for frame in socket:
                self._take(frame)

    def _take(self, frame: str | bytes) -> None:
        try:
            event = json.loads(frame)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict) or not (record := CommandRecord.from_event(event)):
            return
        future = self._ends.get(record.command_id)
        if future is None:
            # The push can be faster than the answer that tells the command's id. Ours print little.
            if len(record.stdout) + len(record.stderr) > LONGEST_EARLY:
                return
            self._early[record.command_id] = record
            while len(self._early) > 100:  # noqa: PLR2004
                self._early.pop(next(iter(self._early)))
        elif not future.done():
            future.set_result(record)
