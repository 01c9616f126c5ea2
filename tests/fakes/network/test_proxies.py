"""The bad networks do what they say: each fault, between a client and a server that writes down what reaches it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.fakes.network.chance import Chance, Fault
from tests.fakes.network.http import HttpProxy
from tests.fakes.network.tcp import MOST_BEFORE, TcpProxy

BODY = b"the whole answer"


@dataclass
class Server:
    """Answers every request, and says every line again."""

    port: int = 0
    reached: list[bytes] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.reached.append(await reader.readexactly(4) if b"ontent-" in head else head.split(b" ")[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
            await writer.drain()
        writer.close()

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self.reached.append(line)
                writer.write(line)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def serving(*, echoes: bool = False) -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.echo if echoes else server.answer, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


@contextlib.asynccontextmanager
async def behind(fault: Fault | None) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """A server behind a network on which every request meets this fault."""
    chance = Chance(1, share=1 if fault else 0, faults=[fault] if fault else [])
    async with (
        serving() as server,
        HttpProxy(f"http://127.0.0.1:{server.port}", chance, ".*/once") as proxy,
        httpx.AsyncClient(base_url=proxy.url, trust_env=False, timeout=3) as http,
    ):
        yield server, http


@pytest.mark.parametrize(
    ("fault", "arrivals"), [(None, 1), (Fault.DELAY, 1), (Fault.DUPLICATE, 2)], ids=["good", "late", "twice"]
)
async def test_what_is_answered(fault: Fault | None, arrivals: int) -> None:
    async with behind(fault) as (server, http):
        assert (await http.post("/some", content=b"body")).content == BODY
        assert server.reached == [b"body"] * arrivals


@pytest.mark.parametrize(
    ("fault", "arrivals"), [(Fault.LOSS, 0), (Fault.LOST_ANSWER, 1), (Fault.TRUNCATION, 1)]
)
async def test_what_is_not_answered(fault: Fault, arrivals: int) -> None:
    async with behind(fault) as (server, http):
        with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
            await http.post("/some", content=b"body")
        assert server.reached == [b"body"] * arrivals


async def test_silence_lasts_as_long_as_the_clients_patience() -> None:
    async with behind(Fault.SILENCE) as (server, http):
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/some", timeout=0.3)
        assert server.reached == []


async def test_what_must_not_be_repeated_is_not() -> None:
    async with behind(Fault.DUPLICATE) as (server, http):
        assert (await http.get("/once")).content == BODY
        assert server.reached == [b"/once"]


def test_a_seed_draws_the_same_for_the_same_request_in_whatever_order() -> None:
    names = [f"GET /{number % 7}" for number in range(200)]
    first, second, other = Chance(5), Chance(5), Chance(6)
    for name in names:
        first.draw(name)
        other.draw(name)
    for name in sorted(names):
        second.draw(name)
    assert sorted(first.log) == sorted(second.log) != sorted(other.log)
    assert 20 < len(first.log) < 80
    assert "seed 5" in str(first)


async def lines_through(fault: Fault | None) -> tuple[int, int, bool]:
    """Send more lines than pass before a fault; how many have reached the server, come back, and whether it ended."""
    chance = Chance(3, share=1 if fault else 0, faults=[fault] if fault else [])
    sent, back = MOST_BEFORE + 5, 0
    async with (
        serving(echoes=True) as server,
        TcpProxy(("127.0.0.1", server.port), chance) as proxy,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        is_ended = False
        try:
            for number in range(sent):
                writer.write(b"line %d\n" % number)
                async with asyncio.timeout(1):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    is_ended = True
                    break
                back += 1
        except TimeoutError:
            pass
        except OSError:
            is_ended = True
        writer.close()
        return len(server.reached), back, is_ended


@pytest.mark.parametrize("fault", [None, Fault.DELAY])
async def test_a_connection_that_lasts(fault: Fault | None) -> None:
    assert await lines_through(fault) == (MOST_BEFORE + 5, MOST_BEFORE + 5, False)


@pytest.mark.parametrize(
    ("fault", "unanswered", "is_ended"),
    [
        (Fault.LOSS, 0, True),
        (Fault.LOST_ANSWER, 1, True),
        (Fault.TRUNCATION, 1, True),
        (Fault.SILENCE, 0, False),
    ],
)
async def test_a_connection_that_ends(fault: Fault, unanswered: int, is_ended: bool) -> None:
    reached, back, has_ended = await lines_through(fault)
    assert (reached - back, has_ended) == (unanswered, is_ended)
    assert back < MOST_BEFORE
