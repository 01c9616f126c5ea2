"""The endpoints: what is sent, and what an answer of the right form says."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from automation.agent_server import AgentServer, CommandRecord
from automation.connection import AgentConnection
from automation.errors import Misconfigured, ServerUnavailable
from tests.agent_server.calls import CALLS, HTML, KEY, URL, Call, everything, refused

ENDED = {"kind": "BashOutput", "command_id": "c1", "exit_code": 3, "stdout": "out", "stderr": None}


@pytest.fixture
async def server() -> AsyncIterator[AgentServer]:
    async with AgentServer(AgentConnection(URL, KEY)) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "document", "says"),
    [
        ("start", {}, "a command in its answer has no id"),
        ("start", {"id": 7}, "a command in its answer has no id"),
        ("execute", {}, "its answer to a command has no exit code"),
        ("execute", ENDED | {"exit_code": None}, "its answer to a command has no exit code"),
        ("execute", ENDED | {"kind": "BashCommand"}, "its answer to a command has no exit code"),
        ("command_record", {}, "its search answers without items"),
        ("command_record", {"items": None}, "its search answers without items"),
        ("find_command", {"items": {}}, "its search answers without items"),
    ],
)
async def test_an_answer_without_what_it_is_about(
    server: AgentServer, edge: respx.MockRouter, name: str, document: dict[str, Any], says: str
) -> None:
    sentence = await refused(Misconfigured, CALLS[name], server, edge, httpx.Response(200, json=document))
    assert says in sentence


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("command_record", httpx.Response(200, json={"items": ["x"]})),
        ("find_command", httpx.Response(200, json={"items": ["x"]})),
        ("find_command", httpx.Response(200, json={"items": [{"command": "x"}]})),
        ("info", httpx.Response(200, content=b"[" * 100_000)),
    ],
    ids=["items that are words", "commands that are words", "commands without ids", "nested too deeply"],
)
async def test_stranger_answers_still(
    server: AgentServer, edge: respx.MockRouter, name: str, answer: httpx.Response
) -> None:
    await refused(Misconfigured, CALLS[name], server, edge, answer)


class TestOfAServerThatIsKnown:
    @pytest.mark.parametrize("name", ["start", "execute", "command_record", "find_command"])
    async def test_so_may_an_answer_without_what_it_is_about(
        self, server: AgentServer, edge: respx.MockRouter, name: str
    ) -> None:
        server.trust()
        await refused(ServerUnavailable, CALLS[name], server, edge, httpx.Response(200, json={}))

    async def test_so_may_a_range_that_is_ignored(self, server: AgentServer, edge: respx.MockRouter) -> None:
        server.trust()
        call: Call = lambda server: everything(server, 2)  # noqa: E731
        await refused(ServerUnavailable, call, server, edge, httpx.Response(200, html=HTML))

    async def test_what_is_no_refusal_stays_an_answer(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        server.trust()
        edge.route().respond(404, json={"detail": "File not found"})
        assert await server.read_file("/base/run/status.json", limit=100) is None
        assert await everything(server, 0) == b""

    @pytest.mark.parametrize("name", ["read_file", "read_from"])
    async def test_a_proxys_not_found_is_no_answer(
        self, server: AgentServer, edge: respx.MockRouter, name: str
    ) -> None:
        server.trust()
        await refused(ServerUnavailable, CALLS[name], server, edge, httpx.Response(404, text="not found"))


class TestFiles:
    PATH = "/base/run/output.log"

    async def test_a_file_is_read_up_to_the_limit(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.get("/api/file/download", params={"path": self.PATH}).respond(200, content=b"0123456789")
        assert await server.read_file(self.PATH, limit=100) == b"0123456789"
        assert await server.read_file(self.PATH, limit=4) == b"0123"

    async def test_an_empty_file_is_not_none(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(200, content=b"")
        assert await server.read_file(self.PATH, limit=100) == b""

    async def test_no_file(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(404, json={"detail": "File not found"})
        assert await server.read_file(self.PATH, limit=100) is None
        assert await everything(server, 0) == b""
        assert await everything(server, 7) == b""

    async def test_no_news(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(416, headers={"Content-Range": "bytes */7"})
        assert await everything(server, 7) == b""

    async def test_news(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.get("/api/file/download", headers={"Range": "bytes=7-"}).respond(206, content=b"news")
        assert await everything(server, 7) == b"news"
        assert edge.calls.last.request.headers["Accept-Encoding"] == "identity"

    async def test_the_whole_is_fine_at_the_beginning(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        edge.route().respond(200, content=b"all")
        assert await everything(server, 0) == b"all"

    async def test_a_range_that_is_ignored_repeats_nothing(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        call: Call = lambda server: everything(server, 2)  # noqa: E731
        answer = httpx.Response(200, content=b"all")
        assert "ignores the Range header" in await refused(Misconfigured, call, server, edge, answer)

    async def test_an_upload_can_be_repeated(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.post("/api/file/upload", params={"path": self.PATH}).respond(200, json={"success": True})
        content = io.BytesIO(b"payload\0bytes")
        for _ in range(2):
            await server.upload(self.PATH, content)
            assert b"payload\0bytes" in edge.calls.last.request.content


class TestCommands:
    async def test_the_key_goes_along(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.post("/api/bash/start_bash_command").respond(200, json={"id": "c1"})
        assert await server.start("true", timeout=5.4) == "c1"
        request = edge.calls.last.request
        assert request.headers["X-Session-API-Key"] == KEY
        assert request.content == b'{"command":"true","cwd":null,"timeout":5}'

    async def test_an_executed_command(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.post("/api/bash/execute_bash_command").respond(200, json=ENDED)
        assert await server.execute("false", timeout=5) == CommandRecord("c1", 3, "out", "")

    async def test_the_record_is_in_the_last_chunk(self, server: AgentServer, edge: respx.MockRouter) -> None:
        items = [ENDED | {"exit_code": None}, {"kind": "Other"}, ENDED]
        edge.get("/api/bash/bash_events/search").respond(200, json={"items": items, "next_page_id": None})
        assert await server.command_record("c1") == CommandRecord("c1", 3, "out", "")

    async def test_what_it_says_is_text_or_nothing(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(200, json=ENDED | {"stdout": 1, "stderr": ["x"]})
        assert await server.execute("false", timeout=5) == CommandRecord("c1", 3, "", "")

    @pytest.mark.parametrize("items", [[], [ENDED | {"exit_code": None}]], ids=["none", "unfinished"])
    async def test_no_record_of_an_end(
        self, server: AgentServer, edge: respx.MockRouter, items: list[object]
    ) -> None:
        edge.route().respond(200, json={"items": items})
        assert await server.command_record("c1") is None

    async def test_a_command_is_looked_for_on_every_page(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        pages = [
            {"items": [{"id": "c3", "command": "ls"}], "next_page_id": "p2"},
            {"items": [{"id": "c2", "command": None}, {"id": "c1", "command": "tar xf payload-1.tar"}]},
        ]
        edge.route().mock(side_effect=[httpx.Response(200, json=page) for page in pages])
        assert await server.find_command("payload-1.tar") == "c1"
        assert [each.request.url.params.get("page_id") for each in edge.calls] == [None, "p2"]

    async def test_a_search_without_end_is_ended(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(200, json={"items": [], "next_page_id": "again"})
        assert await server.find_command("x") is None
        assert len(edge.calls) == 20

    @pytest.mark.parametrize("code", [200, 404, 405, 422])
    async def test_a_stop_that_the_server_does_not_know_is_no_error(
        self, server: AgentServer, edge: respx.MockRouter, code: int
    ) -> None:
        edge.post("/api/bash/bash_commands/c1/stop").respond(code)
        await server.stop_command("c1")

    @pytest.mark.parametrize(("code", "ready"), [(200, True), (503, False), (404, False), (302, False)])
    async def test_readiness(
        self, server: AgentServer, edge: respx.MockRouter, code: int, ready: bool
    ) -> None:
        edge.get("/ready").respond(code)
        assert await server.is_ready() is ready


@pytest.mark.parametrize("status", ["404 Not Found", "416 Range Not Satisfiable"])
async def test_no_news_costs_no_new_connection(status: str) -> None:
    """It is the usual answer while a run is followed."""
    connections, answers = 0, 3

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(f'HTTP/1.1 {status}\r\nContent-Length: 15\r\n\r\n{{"detail":"no"}}'.encode())

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with AgentServer(AgentConnection(f"http://127.0.0.1:{port}", KEY)) as server:
            for _ in range(answers):
                assert await everything(server, 7) == b""
    assert connections == 1
