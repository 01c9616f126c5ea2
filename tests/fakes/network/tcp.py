"""A proxy for any protocol over TCP, which does to connections what bad networks do.

    async with TcpProxy(("127.0.0.1", 5432), Chance(seed)) as proxy:
        ...                                                            connect to proxy.port

Of a connection that meets a fault some pieces pass before, in either direction.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from random import Random
from typing import Self

from tests.fakes.network.chance import Chance, Drawn, Fault

LIMIT = 64 * 1024
"""Bytes of a piece at the most."""

MOST_BEFORE = 20
"""Pieces that pass at the most before a connection meets its fault."""

LATE = 0.1
"""Seconds that each piece of a connection that is slow waits at the most."""

IN_THE_MIDDLE = frozenset({Fault.LOST_ANSWER, Fault.TRUNCATION})

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpProxy:
    """Use as an async context manager.

    Attributes:
        name: what its connections are called in the log.
        port: where it listens, on loopback.
    """

    def __init__(self, target: tuple[str, int], chance: Chance, name: str = "connection") -> None:
        self.chance = chance
        self.name = name
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, client: Streams) -> None:
        """Deal with one connection; overridden where the protocol is known."""
        await self.pass_on(client, self.chance.draw(self.name, unless=[Fault.DUPLICATE]))

    async def pass_on(self, client: Streams, drawn: Drawn, head: bytes = b"") -> None:
        """Pass bytes on in both directions, until one side ends or the fault comes.

        Args:
            head: what has been read of the client's bytes.
        """
        reader, writer = client
        async with self.server() as (inner_reader, inner):
            inner.write(head)
            comes_after = drawn.random.randrange(MOST_BEFORE)
            there = asyncio.create_task(_copy(reader, inner, drawn, comes_after, {Fault.LOSS}))
            back = asyncio.create_task(_copy(inner_reader, writer, drawn, comes_after, IN_THE_MIDDLE))
            try:
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        if drawn.fault is not None:
            reset(writer)

    @contextlib.asynccontextmanager
    async def server(self) -> AsyncIterator[Streams]:
        """A connection to the other side."""
        reader, writer = await asyncio.open_connection(*self._target, limit=LIMIT)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            # The streams of Python 3.12 complain of a connection whose task was cancelled.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.serve((reader, writer))
                await writer.drain()
        finally:
            self._serving.discard(task)
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a machine does that knows nothing of it."""
    with contextlib.suppress(OSError):
        unread = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, unread)
    writer.transport.abort()


async def _copy(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    drawn: Drawn,
    comes_after: int,
    ending: "set[Fault] | frozenset[Fault]",
) -> None:
    """Pass one direction on; return at its end, or at the fault if it is one of those that end this direction."""
    passed = 0
    while data := await reader.read(LIMIT):
        if drawn.fault is Fault.DELAY:
            await asyncio.sleep(_late(drawn.random))
        if passed >= comes_after and drawn.fault is Fault.SILENCE:
            continue
        if passed >= comes_after and drawn.fault in ending:
            if drawn.fault is Fault.TRUNCATION:
                writer.write(data[: len(data) // 2])
                await writer.drain()
            return
        writer.write(data)
        await writer.drain()
        passed += 1


def _late(random: Random) -> float:
    return random.uniform(0, LATE)
