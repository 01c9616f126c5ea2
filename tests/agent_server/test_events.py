"""The push channel against a real socket: ends are announced once, early or late, and gaps can be seen."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

from automation.agent_server import BashEvents, CommandRecord
from automation.connection import AgentConnection

KEY = "s3ssion-k3y"


class Announcer:
    """A server that announces what a test tells it to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refuses = False
        self.redirect = ""
        self.server: Server

    @property
    def url(self) -> str:
        host, port = self.server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def announce(self, *frames: str | bytes) -> None:
        for frame in frames:
            broadcast(self.server.connections, frame)

    async def hang_up(self) -> None:
        await asyncio.gather(*(each.close() for each in list(self.server.connections)))

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if self.redirect:
            response = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "there\n")
            response.headers["Location"] = self.redirect
            return response
        return connection.respond(HTTPStatus.FORBIDDEN, "no\n") if self.refuses else None

    async def hold(self, connection: ServerConnection) -> None:
        await connection.wait_closed()


@pytest.fixture
async def announcer() -> AsyncIterator[Announcer]:
    announcer = Announcer()
    async with serve(
        announcer.hold, "127.0.0.1", 0, process_request=announcer.admit, close_timeout=1
    ) as announcer.server:
        yield announcer


@pytest.fixture
async def elsewhere() -> AsyncIterator[Announcer]:
    """Another server, that nobody meant."""
    elsewhere = Announcer()
    async with serve(
        elsewhere.hold, "127.0.0.1", 0, process_request=elsewhere.admit, close_timeout=1
    ) as elsewhere.server:
        yield elsewhere


@asynccontextmanager
async def listening(announcer: Announcer, key: str = KEY) -> AsyncIterator[BashEvents]:
    async with BashEvents(AgentConnection(announcer.url, key)) as events:
        await asyncio.wait_for(events.connected.wait(), 3)
        yield events


def end(command_id: str = "c1", exit_code: int | None = 0, **more: object) -> str:
    event = {"kind": "BashOutput", "command_id": command_id, "exit_code": exit_code, "stdout": "o"}
    return json.dumps(event | more)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.01)


async def heard(events: BashEvents, announcer: Announcer) -> None:
    """Everything that was announced so far has been taken in."""
    announcer.announce(end("marker"))
    await asyncio.wait_for(events.end_of("marker"), 3)
    events.forget("marker")


async def test_an_end_is_announced_to_who_waits(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        waiting = events.end_of("c1")
        assert not waiting.done()
        announcer.announce(end(exit_code=3, stderr="e"))
        assert await asyncio.wait_for(waiting, 3) == CommandRecord("c1", 3, "o", "e")
        assert events.connections == 1


async def test_an_end_that_came_before_the_question(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        announcer.announce(end(exit_code=3))
        await heard(events, announcer)
        assert (await asyncio.wait_for(events.end_of("c1"), 3)).exit_code == 3


async def test_asking_again_gives_the_same_answer(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        first = events.end_of("c1")
        announcer.announce(end(exit_code=3), end(exit_code=4))
        await heard(events, announcer)
        assert events.end_of("c1") is first
        assert first.result().exit_code == 3


async def test_what_is_forgotten_is_not_waited_for(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        waiting = events.end_of("c1")
        events.forget("c1")
        events.forget("c1")
        announcer.announce(end())
        await heard(events, announcer)
        assert waiting.cancelled()


async def test_other_commands_and_other_events_end_nothing(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        waiting = events.end_of("c1")
        announcer.announce(
            end("c2"),
            end(exit_code=None),
            json.dumps({"kind": "BashCommand", "id": "c1", "command": "true"}),
            json.dumps({"kind": "Other", "command_id": "c1", "exit_code": 0}),
        )
        await heard(events, announcer)
        assert not waiting.done()


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "garbage",
        "[]",
        "null",
        "7",
        '"BashOutput"',
        "{}",
        '{"kind": "BashOutput"}',
        '{"kind": "BashOutput", "command_id": "c1", "exit_code": "0"}',
        b"\xff\xfe",
        end("c9", stdout="x" * 2_000_000),
        "[" * 100_000,
    ],
    ids=lambda frame: repr(frame[:30]),
)
async def test_garbage_is_passed_over(announcer: Announcer, frame: str | bytes) -> None:
    async with listening(announcer) as events:
        waiting = events.end_of("c1")
        announcer.announce(frame, end(exit_code=5))
        assert (await asyncio.wait_for(waiting, 3)).exit_code == 5
        assert events.connections == 1


async def test_after_a_gap_it_connects_again_and_says_so(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        waiting = events.end_of("c1")
        for connections in (2, 3):
            await announcer.hang_up()
            await until(lambda: events.connections == connections)  # noqa: B023
            await asyncio.wait_for(events.connected.wait(), 3)
        announcer.announce(end(exit_code=3))
        assert (await asyncio.wait_for(waiting, 3)).exit_code == 3


async def test_between_two_connections_it_is_not_connected(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        announcer.refuses = True
        await announcer.hang_up()
        await until(lambda: not events.connected.is_set())
        assert events.connections == 1
        announcer.refuses = False
        await asyncio.wait_for(events.connected.wait(), 5)
        assert events.connections == 2


async def test_a_refused_handshake_is_no_error(announcer: Announcer) -> None:
    announcer.refuses = True
    async with BashEvents(AgentConnection(announcer.url, "wrong")) as events:
        await until(lambda: len(announcer.requests) >= 2)
        assert (events.connected.is_set(), events.connections) == (False, 0)
        assert not events.end_of("c1").done()


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere(
    announcer: Announcer, elsewhere: Announcer
) -> None:
    announcer.redirect = f"{elsewhere.url.replace('http', 'ws')}/sockets/bash-events"
    async with BashEvents(AgentConnection(announcer.url, KEY)) as events:
        await until(lambda: len(announcer.requests) >= 2)
        assert (events.connected.is_set(), events.connections) == (False, 0)
    assert elsewhere.requests == []


async def test_not_even_to_another_address_of_the_same_server(announcer: Announcer) -> None:
    announcer.redirect = "/elsewhere"
    async with BashEvents(AgentConnection(announcer.url, KEY)) as events:
        await until(lambda: len(announcer.requests) >= 2)
        announcer.redirect = ""
        await asyncio.wait_for(events.connected.wait(), 3)
    assert {request.path for request in announcer.requests} == {"/sockets/bash-events"}


async def test_nobody_there_is_no_error() -> None:
    async with BashEvents(AgentConnection("http://127.0.0.1:9", KEY)) as events:
        await asyncio.sleep(0.1)
        assert (events.connected.is_set(), events.connections) == (False, 0)


async def test_the_key_goes_in_a_header_and_never_in_the_address(announcer: Announcer) -> None:
    async with listening(announcer):
        pass
    async with listening(announcer, key=""):
        pass
    keyed, open_ = announcer.requests
    assert keyed.headers["X-Session-API-Key"] == KEY
    assert "X-Session-API-Key" not in open_.headers
    assert keyed.path == open_.path == "/sockets/bash-events"


async def test_what_nobody_asks_for_does_not_pile_up(announcer: Announcer) -> None:
    async with listening(announcer) as events:
        announcer.announce(*(end(f"c{number}", number % 256) for number in range(500)))
        await heard(events, announcer)
        assert len(events._early) <= 100
        assert events.end_of("c499").result().exit_code == 499 % 256
        assert not events.end_of("c0").done()


async def test_closing_ends_the_connection(announcer: Announcer) -> None:
    async with listening(announcer):
        assert len(announcer.server.connections) == 1
    await until(lambda: not announcer.server.connections)
