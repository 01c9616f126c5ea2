"""Odd answers at the HTTP edge: each is told apart into what may pass and what will not, without the key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import respx

from automation.agent_server import AgentServer
from automation.agent_server.transport import Transport
from automation.connection import AgentConnection
from automation.errors import Misconfigured, ServerLost, ServerRefuses, ServerUnavailable
from tests.agent_server.calls import CALLS, HTML, KEY, URL, Call, every_call, every_json_call, refused

ELSEWHERE = "http://elsewhere.example:8000"


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


@asynccontextmanager
async def moving(now: AgentConnection | Exception) -> AsyncIterator[tuple[Transport, list[int]]]:
    """A transport whose server can be asked for by `now`, and a list that grows with each question."""
    asked: list[int] = []

    async def renewal() -> AgentConnection:
        asked.append(1)
        if isinstance(now, Exception):
            raise now
        return now

    transport = Transport.connect(AgentConnection(URL, KEY, renewal=renewal))
    yield transport, asked
    await transport.close()


@pytest.fixture
async def server() -> AsyncIterator[AgentServer]:
    async with AgentServer(AgentConnection(URL, KEY)) as server:
        yield server


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
        server.trust()
        sentence = await refused(ServerRefuses, call, server, edge, answer)
        assert f"HTTP {answer.status_code}" in sentence
        assert "does not answer as it should" in sentence
        assert {each.request.url.host for each in edge.calls} == {"agents.example"}

    @every_call
    async def test_so_may_a_failure(self, server: AgentServer, edge: respx.MockRouter, call: Call) -> None:
        server.trust()
        await refused(ServerUnavailable, call, server, edge, httpx.Response(502, html=HTML))

    @every_call
    async def test_so_may_a_redirect(self, server: AgentServer, edge: respx.MockRouter, call: Call) -> None:
        server.trust()
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
        server.trust()
        await refused(ServerUnavailable, call, server, edge, answer)


@pytest.mark.parametrize("said", ["one\ntwo", "\x1b[31mred", f"the key {KEY} is wrong"])
async def test_the_servers_own_words_are_made_safe(
    server: AgentServer, edge: respx.MockRouter, said: str
) -> None:
    answer = httpx.Response(500, json={"exception": said})
    assert (await refused(ServerUnavailable, CALLS["execute"], server, edge, answer)).isprintable()


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


class TestOneThatCanMove:
    """Where the server is, and by which key it opens, is asked when it refuses or does not answer."""

    @pytest.mark.parametrize("code", [401, 403, 404, 500, 503])
    async def test_the_next_request_goes_to_where_it_is_now(self, edge: respx.MockRouter, code: int) -> None:
        edge.get(f"{URL}/server_info").respond(code)
        edge.get(f"{ELSEWHERE}/server_info", headers={"X-Session-API-Key": "n3w"}).respond(200, json={"a": 1})
        async with moving(AgentConnection(ELSEWHERE, "n3w")) as (transport, _):
            with pytest.raises(ServerUnavailable, match=f"HTTP {code}"):
                await transport.send("GET", "/server_info")
            assert transport.connection.url == ELSEWHERE
            assert await transport.send("GET", "/server_info") == {"a": 1}

    async def test_a_key_that_is_gone_is_sent_no_more(self, edge: respx.MockRouter) -> None:
        edge.get(f"{URL}/server_info").mock(side_effect=httpx.ConnectError(""))
        edge.get(f"{ELSEWHERE}/server_info").respond(200, json={})
        async with moving(AgentConnection(ELSEWHERE)) as (transport, _):
            with pytest.raises(ServerUnavailable):
                await transport.send("GET", "/server_info")
            await transport.send("GET", "/server_info")
        assert "X-Session-API-Key" not in edge.calls.last.request.headers

    async def test_who_has_to_know_its_new_key_is_told(self, edge: respx.MockRouter) -> None:
        edge.route().respond(503)
        new, told = AgentConnection(ELSEWHERE, "n3w"), list[AgentConnection]()
        async with moving(new) as (transport, _):
            with transport.telling(told.append), pytest.raises(ServerUnavailable):
                await transport.send("GET", "/server_info")
            assert told == [new]

    async def test_it_is_not_asked_again_at_once(self, edge: respx.MockRouter) -> None:
        edge.route().respond(503)
        async with moving(ServerUnavailable("not now")) as (transport, asked):
            for _ in range(3):
                with pytest.raises(ServerUnavailable, match="HTTP 503"):
                    await transport.send("GET", "/server_info")
        assert asked == [1]

    async def test_one_that_will_not_come_back_is_lost(self, edge: respx.MockRouter) -> None:
        edge.route().respond(404)
        async with moving(ServerLost("the sandbox is gone")) as (transport, _):
            with pytest.raises(ServerLost, match="the sandbox is gone"):
                await transport.send("GET", "/server_info")

    async def test_nothing_that_it_answers_is_a_wrong_setting(self, edge: respx.MockRouter) -> None:
        edge.route().respond(200, html=HTML)
        async with moving(ServerUnavailable("not now")) as (transport, asked):
            with pytest.raises(ServerRefuses, match="does not answer in JSON"):
                await transport.send("GET", "/server_info")
        assert asked == []
