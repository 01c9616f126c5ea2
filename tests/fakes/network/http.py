"""A proxy for HTTP, which does to requests what bad networks and busy servers do.

    async with HttpProxy("http://127.0.0.1:8000", Chance(seed)) as proxy:
        ...                                                                ask proxy.url

Each request is a connection of its own. One that asks for a socket (`Upgrade`) becomes a stream of bytes and meets
the faults of connections.
"""

import asyncio
import re
from urllib.parse import urlsplit

from tests.fakes.network.chance import Chance, Fault
from tests.fakes.network.tcp import Streams, TcpProxy, reset

HEAD_END = b"\r\n\r\n"
LATEST = 1.5
"""Seconds that a request that comes late takes at the most."""

_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_ANY = re.compile(r"[0-9a-f]{40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/)\d+(?=/|$)")
"""What differs from one run to the next: commits, runs and numbers."""


class HttpProxy(TcpProxy):
    """Use as an async context manager.

    Args:
        once: a regular expression for the names of requests that arrive once at the most, such as
            `POST .*/comments`. No proxy repeats a POST by itself, but a client may say that its own can be repeated.
    """

    def __init__(self, target: str, chance: Chance, once: str = "(?!)") -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        super().__init__((parts.hostname, parts.port), chance, "socket")
        self._once = re.compile(once)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, client: Streams) -> None:
        reader, writer = client
        head = await reader.readuntil(HEAD_END)
        if _UPGRADE.search(head):
            await self.pass_on(client, self.chance.draw(self.name, unless=[Fault.DUPLICATE]), head)
            return
        request = _CONNECTION.sub(b"", head).removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
        request += await _body(head, reader)
        name = _name(head)
        drawn = self.chance.draw(name, unless=[Fault.DUPLICATE] if self._once.fullmatch(name) else [])
        match drawn.fault:
            case Fault.LOSS:
                reset(writer)
                return
            case Fault.SILENCE:
                await reader.read()
                return
            case Fault.DELAY:
                await asyncio.sleep(drawn.random.uniform(0, LATEST))
            case Fault.DUPLICATE:
                await self._ask(request)
        answer = await self._ask(request)
        match drawn.fault:
            case Fault.LOST_ANSWER:
                reset(writer)
                return
            case Fault.TRUNCATION:
                writer.write(answer[: drawn.random.randrange(len(answer))])
                await writer.drain()
                reset(writer)
                return
        writer.write(answer)

    async def _ask(self, request: bytes) -> bytes:
        """The whole answer, until the server closes."""
        async with self.server() as (reader, writer):
            writer.write(request)
            await writer.drain()
            return await reader.read()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    assert not _CHUNKED.search(head), "nobody sends chunks here"
    length = _LENGTH.search(head)
    return await reader.readexactly(int(length[1])) if length else b""


def _name(head: bytes) -> str:
    line = _LINE.match(head)
    assert line is not None, head[:100]
    path = _ANY.sub("*", line[2].decode("latin-1").split("?")[0])
    return f"{line[1].decode()} {path}"
