"""The way into one sandbox: a port of its own that admits the sandbox's key and shows the real server its own.

It passes bytes on as they come, so that streams and sockets are what they are.
"""

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = b"X-Session-API-Key: "
HEAD_END = b"\r\n\r\n"
LIMIT = 64 * 1024
_KEY = re.compile(rb"\r\nx-session-api-key: ([^\r]*)\r\n", re.IGNORECASE)
REFUSAL = b'{"detail":"Unauthorized"}'


class Gate:
    """Open until it is closed.

    Args:
        stops: told the first line of each request; True ends the connection there.

    Attributes:
        key: that it asks for.
        calls: when, and the first line of each request.
    """

    def __init__(
        self, key: str, port: int, real_key: str, real_port: int, stops: "Callable[[str], bool]"
    ) -> None:
        self.key = key
        self.port = port
        self.calls: list[tuple[float, str]] = []
        self._stops = stops
        self._real_key, self._real_port = real_key.encode(), real_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=LIMIT)

    async def close(self) -> None:
        """Nobody comes in any more, and whoever was in is out."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.put_out()

    def put_out(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._pass_on(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(HEAD_END)
        if self._is_stopped_at(head):
            return
        shown = _KEY.search(head)
        is_open = re.match(rb"GET /(server_info|ready|alive|health)[ ?]", head)
        if not is_open and (shown is None or shown[1] != self.key.encode()):
            writer.write(
                b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)
            )
            await writer.drain()
            return
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", self._real_port)
        self._writers.add(inner)
        try:
            inner.write(self._translated(head))
            async with asyncio.TaskGroup() as tasks:
                there = tasks.create_task(self._copy(reader, inner))
                await self._copy_back(inner_reader, writer)
                there.cancel()
        finally:
            self._writers.discard(inner)
            inner.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LIMIT):
            if HEADER in data and self._is_stopped_at(data):
                writer.transport.abort()
                return
            writer.write(self._translated(data))
            await writer.drain()

    async def _copy_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(LIMIT):
            writer.write(data)
            await writer.drain()

    def _is_stopped_at(self, head: bytes) -> bool:
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        self.calls.append((time.time(), line))
        return self._stops(line)

    def _translated(self, data: bytes) -> bytes:
        return data.replace(HEADER + self.key.encode(), HEADER + self._real_key)
