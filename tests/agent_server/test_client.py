"""Odd answers at the HTTP edge: each is told apart into what may pass and what will not, without the key."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from automation.agent_server import AgentServer, CommandRecord
from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured, ServerRefuses, ServerUnavailable

URL = "http://agents.example:8000"
KEY = "s3ssion-k3y"
ENDED = {"kind": "BashOutput", "command_id": "c1", "exit_code": 3, "stdout": "out", "stderr": None}
HTML = "<!DOCTYPE html>\n<html><body>Welcome to <b>nginx</b>!</body></html>"

type Call = Callable[[AgentServer], Awaitable[object]]


async def _everything(server: AgentServer, offset: int) -> bytes:
    return b"".join([chunk async for chunk in server.read_from("/base/run/output.log", offset)])


CALLS: dict[str, Call] = {
    "info": lambda server: server.info(),
    "execute": lambda server: server.execute("true", timeout=5),
    "start": lambda server: server.start("true", timeout=5),
    "command_record": lambda server: server.command_record("c1"),
    "find_command": lambda server: server.find_command("x"),
    "upload": lambda server: server.upload("/base/run/payload.tar", io.BytesIO(b"x")),
    "read_file": lambda server: server.read_file("/base/run/status.json", limit=100),
    "read_from": lambda server: _everything(server, 0),
}
JSON_CALLS = [name for name in CALLS if not name.startswith("read")]

every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
every_json_call = pytest.mark.parametrize("call", [CALLS[name] for name in JSON_CALLS], ids=JSON_CALLS)


class Drip(httpx.AsyncByteStream):
    """A body in pieces; counts those that were taken."""

    def __init__(self, piece: bytes, times: int = 1) -> None:
        self.sent = 0
        self._piece = piece
        self._times = times

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._times):
            self.sent += 1
            yield self._piece


@pytest.fixture
async def server() -> AsyncIterator[AgentServer]:
    async with AgentServer(AgentConnection(URL, KEY)) as server:
        yield server


@pytest.fixture
def edge() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as edge:
        yield edge


async def refused[E: AutomationError](
    kind: type[E], call: Call, server: AgentServer, edge: respx.MockRouter, answer: httpx.Response | Exception
) -> str:
    """The sentence with which the call fails on this answer."""
    route = edge.route()
    if isinstance(answer, Exception):
        route.mock(side_effect=answer)
    else:
        route.mock(return_value=answer)
    with pytest.raises(kind) as refusal:
        await call(server)
    sentence = refusal.value.sentence
    assert len(sentence.splitlines()) == 1
    assert URL in sentence
    assert KEY not in sentence
    assert "<html>" not in sentence
    assert len(edge.calls) == 1, "nothing here may retry"
    return sentence


@every_call
@pytest.mark.parametrize("code", [401, 403])
async def test_a_wrong_key(server: AgentServer, edge: respx.MockRouter, call: Call, code: int) -> None:
    answer = httpx.Response(code, json={"detail": "Unauthorized"})
    sentence = await refused(Misconfigured, call, server, edge, answer)
    assert "refuses the key it was given; set AUTOMATION_AGENT_SERVER_API_KEY" in sentence


async def test_a_missing_key(edge: respx.MockRouter) -> None:
    async with AgentServer(AgentConnection(URL)) as server:
        sentence = await refused(Misconfigured, CALLS["execute"], server, edge, httpx.Response(401))
    assert "refuses a call without a key" in sentence
    assert "X-Session-API-Key" not in edge.calls.last.request.headers


@every_call
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            httpx.Response(429, json={"detail": "Conversation run limit reached."}),
            "HTTP 429 Conversation run",
        ),
        (httpx.Response(429), "HTTP 429"),
        (
            httpx.Response(500, json={"detail": "Internal Server Error", "exception": "500: disk full"}),
            "disk full",
        ),
        (httpx.Response(500, json={"detail": "Internal Server Error"}), "HTTP 500 Internal Server Error"),
        (httpx.Response(500, json=["x"]), "HTTP 500"),
        (httpx.Response(502, html=HTML), "HTTP 502"),
        (httpx.Response(503, json={"status": "initializing"}), "HTTP 503"),
        (
            httpx.ConnectError("All connection attempts failed"),
            "ConnectError: All connection attempts failed",
        ),
        (httpx.ConnectTimeout(""), "ConnectTimeout"),
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (httpx.ReadError(""), "ReadError"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "Server disconnected"),
    ],
    ids=[
        "429",
        "429 without words",
        "500 with an exception",
        "500",
        "500 of another shape",
        "502 of a proxy",
        "503",
        "refused",
        "connect time-out",
        "read time-out",
        "reset",
        "cut off",
    ],
)
async def test_what_may_pass(
    server: AgentServer, edge: respx.MockRouter, call: Call, answer: httpx.Response | Exception, says: str
) -> None:
    sentence = await refused(ServerUnavailable, call, server, edge, answer)
    assert says in sentence
    assert "does not answer as it should" in sentence


@every_call
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(301, headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/login"}),
        httpx.Response(307, headers={"Location": "http://169.254.169.254/"}),
        httpx.Response(308, headers={"Location": "/other"}),
    ],
    ids=["301", "302", "307", "308"],
)
async def test_redirects_are_not_followed(
    server: AgentServer, edge: respx.MockRouter, call: Call, answer: httpx.Response
) -> None:
    sentence = await refused(Misconfigured, call, server, edge, answer)
    assert f"answered HTTP {answer.status_code}" in sentence
    assert {each.request.url.host for each in edge.calls} == {"agents.example"}


@every_json_call
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(404, html=HTML), "answered HTTP 404;"),
        (httpx.Response(422, json={"detail": [{"msg": "wrong"}]}), "answered HTTP 422 [{'msg': 'wrong'}]"),
        (httpx.Response(200, html=HTML), "does not answer in JSON"),
        (httpx.Response(200), "does not answer in JSON"),
        (httpx.Response(204), "does not answer in JSON"),
        (httpx.Response(200, content=b"\xff\xfe\xff"), "does not answer in JSON"),
        (httpx.Response(200, json=[]), "does not answer with an object"),
        (httpx.Response(200, content=b"null"), "does not answer with an object"),
        (httpx.Response(200, json="ok"), "does not answer with an object"),
    ],
    ids=["404", "422", "a page", "nothing", "204", "bytes", "a list", "null", "a word"],
)
async def test_what_is_no_agent_server(
    server: AgentServer, edge: respx.MockRouter, call: Call, answer: httpx.Response, says: str
) -> None:
    sentence = await refused(Misconfigured, call, server, edge, answer)
    assert says in sentence
    assert sentence.endswith("check AUTOMATION_AGENT_SERVER_URL")


class TestOfAServerThatIsKnown:
    @every_call
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(401, json={"detail": "Unauthorized"}),
            httpx.Response(403, html=HTML),
            httpx.Response(400),
            httpx.Response(405, html=HTML),
            httpx.Response(422, json={"detail": [{"msg": "wrong"}]}),
        ],
        ids=lambda answer: str(answer.status_code),
    )
    async def test_a_refusal_may_pass(
        self, server: AgentServer, edge: respx.MockRouter, call: Call, answer: httpx.Response
    ) -> None:
        server.is_known = True
        sentence = await refused(ServerRefuses, call, server, edge, answer)
        assert f"HTTP {answer.status_code}" in sentence
        assert "does not answer as it should" in sentence
        assert {each.request.url.host for each in edge.calls} == {"agents.example"}

    @every_call
    async def test_so_may_a_failure(self, server: AgentServer, edge: respx.MockRouter, call: Call) -> None:
        server.is_known = True
        await refused(ServerUnavailable, call, server, edge, httpx.Response(502, html=HTML))

    @every_call
    async def test_so_may_a_redirect(self, server: AgentServer, edge: respx.MockRouter, call: Call) -> None:
        server.is_known = True
        answer = httpx.Response(302, headers={"Location": "https://elsewhere.example/login"})
        await refused(ServerUnavailable, call, server, edge, answer)

    @every_json_call
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(200, html=HTML),
            httpx.Response(200),
            httpx.Response(204),
            httpx.Response(200, json=[]),
            httpx.Response(200, content=b"[" * 100_000),
        ],
        ids=["a page", "nothing", "204", "a list", "nested too deeply"],
    )
    async def test_so_may_a_page_that_says_that_all_is_well(
        self, server: AgentServer, edge: respx.MockRouter, call: Call, answer: httpx.Response
    ) -> None:
        server.is_known = True
        await refused(ServerUnavailable, call, server, edge, answer)

    @pytest.mark.parametrize("name", ["start", "execute", "command_record", "find_command"])
    async def test_so_may_an_answer_without_what_it_is_about(
        self, server: AgentServer, edge: respx.MockRouter, name: str
    ) -> None:
        server.is_known = True
        await refused(ServerUnavailable, CALLS[name], server, edge, httpx.Response(200, json={}))

    async def test_so_may_a_range_that_is_ignored(self, server: AgentServer, edge: respx.MockRouter) -> None:
        server.is_known = True
        call: Call = lambda server: _everything(server, 2)  # noqa: E731
        await refused(ServerUnavailable, call, server, edge, httpx.Response(200, html=HTML))

    async def test_what_is_no_refusal_stays_an_answer(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        server.is_known = True
        edge.route().respond(404, json={"detail": "File not found"})
        assert await server.read_file("/base/run/status.json", limit=100) is None
        assert await _everything(server, 0) == b""


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


@pytest.mark.parametrize("said", ["one\ntwo", "\x1b[31mred", f"the key {KEY} is wrong"])
async def test_the_servers_own_words_are_made_safe(
    server: AgentServer, edge: respx.MockRouter, said: str
) -> None:
    answer = httpx.Response(500, json={"exception": said})
    assert (await refused(ServerUnavailable, CALLS["execute"], server, edge, answer)).isprintable()


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
        assert await _everything(server, 0) == b""
        assert await _everything(server, 7) == b""

    async def test_no_news(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.route().respond(416, headers={"Content-Range": "bytes */7"})
        assert await _everything(server, 7) == b""

    async def test_news(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.get("/api/file/download", headers={"Range": "bytes=7-"}).respond(206, content=b"news")
        assert await _everything(server, 7) == b"news"
        assert edge.calls.last.request.headers["Accept-Encoding"] == "identity"

    async def test_the_whole_is_fine_at_the_beginning(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        edge.route().respond(200, content=b"all")
        assert await _everything(server, 0) == b"all"

    async def test_a_range_that_is_ignored_repeats_nothing(
        self, server: AgentServer, edge: respx.MockRouter
    ) -> None:
        call: Call = lambda server: _everything(server, 2)  # noqa: E731
        answer = httpx.Response(200, content=b"all")
        assert "ignores the Range header" in await refused(Misconfigured, call, server, edge, answer)

    async def test_an_upload_can_be_repeated(self, server: AgentServer, edge: respx.MockRouter) -> None:
        edge.post("/api/file/upload", params={"path": self.PATH}).respond(200, json={"success": True})
        content = io.BytesIO(b"payload\0bytes")
        for _ in range(2):
            await server.upload(self.PATH, content)
            assert b"payload\0bytes" in edge.calls.last.request.content


class TestAnswersThatAreTooMuch:
    """Its server may be in the hands of what ran there."""

    @every_call
    async def test_what_is_compressed_is_not_unpacked(
        self, server: AgentServer, edge: respx.MockRouter, call: Call
    ) -> None:
        bomb = httpx.Response(200, headers={"Content-Encoding": "gzip, gzip"}, stream=Drip(b"x"))
        assert "compresses its answers" in await refused(Misconfigured, call, server, edge, bomb)

    @every_json_call
    @pytest.mark.parametrize("code", [200, 404, 500])
    async def test_what_has_no_end_is_not_read_to_its_end(
        self, server: AgentServer, edge: respx.MockRouter, call: Call, code: int
    ) -> None:
        drip = Drip(b"x" * 1024 * 1024, times=100)
        answer = httpx.Response(code, stream=drip)
        assert "longer than 16 MiB" in await refused(Misconfigured, call, server, edge, answer)
        assert drip.sent < 20


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


async def test_the_environments_proxy_is_not_for_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as proxy,
        AgentServer(AgentConnection("http://127.0.0.1:9", KEY)) as direct,
    ):
        port = proxy.sockets[0].getsockname()[1]
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        async with AgentServer(AgentConnection("http://127.0.0.1:9", KEY)) as server:
            for each in (direct, server):
                with pytest.raises(ServerUnavailable, match="ConnectError"):
                    await each.info()
    assert asked == []


@pytest.mark.parametrize("status", ["404 Not Found", "416 Range Not Satisfiable"])
async def test_no_news_costs_no_new_connection(status: str) -> None:
    """It is the usual answer while a run is followed."""
    connections, answers = 0, 3

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with AgentServer(AgentConnection(f"http://127.0.0.1:{port}", KEY)) as server:
            for _ in range(answers):
                assert await _everything(server, 7) == b""
    assert connections == 1
