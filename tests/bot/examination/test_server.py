"""Agent-servers, real ones, and the public address, as the examination sees them."""

import httpx
import pytest
import respx

from automation.settings import Settings
from bot.examination.finding import Level
from bot.examination.server import agent_server_finding, fork_server_finding, public_url_finding
from bot.settings import BotSettings
from tests.bot.set_up.platform import Platform
from tests.servers import RealServer


async def test_a_healthy_server(server: RealServer) -> None:
    found = await agent_server_finding("agent-server", server.url, server.key)
    assert found.level is Level.OK
    assert "is healthy and takes the key" in found.sentence


async def test_a_server_without_a_key(open_server: RealServer) -> None:
    found = await agent_server_finding("agent-server", open_server.url, "")
    assert found.level is Level.NOTE
    assert "asks nobody for a key" in found.sentence


@pytest.mark.parametrize("key", ["", "another-key"])
async def test_a_key_that_is_refused(server: RealServer, key: str) -> None:
    found = await agent_server_finding("agent-server", server.url, key)
    assert found.level is Level.WRONG
    assert "refuses" in found.sentence
    assert "another-key" not in str(found)


async def test_nobody_there() -> None:
    found = await agent_server_finding("agent-server", "http://127.0.0.1:9", "the-key")
    assert found.level is Level.WRONG
    assert "does not answer" in found.sentence
    assert "the-key" not in str(found)


async def test_something_else_there(odd: Platform) -> None:
    found = await agent_server_finding("agent-server", odd.url, "the-key")
    assert found.level is Level.WRONG
    assert "does not behave like an agent-server" in found.sentence


async def test_the_server_for_forks(server: RealServer) -> None:
    assert (await fork_server_finding(BotSettings())).level is Level.NOTE
    core = Settings(fork_agent_server_url=server.url, fork_agent_server_api_key=server.key)
    found = await fork_server_finding(BotSettings(core=core))
    assert (found.about, found.level) == ("fork server", Level.OK)


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (httpx.Response(200), Level.OK, "https://bot.test/healthz answers"),
        (httpx.Response(502), Level.WRONG, "answers HTTP 502"),
        (
            httpx.Response(301, headers={"location": "https://elsewhere.test"}),
            Level.WRONG,
            "answers HTTP 301",
        ),
        (httpx.ConnectError("no"), Level.WRONG, "does not answer from here (ConnectError)"),
        (httpx.ConnectTimeout("slow"), Level.WRONG, "does not answer from here (ConnectTimeout)"),
    ],
    ids=str,
)
async def test_the_public_address(answer: httpx.Response | httpx.HTTPError, level: Level, words: str) -> None:
    with respx.mock:
        respx.get("https://bot.test/healthz").mock(side_effect=[answer])
        found = await public_url_finding("https://bot.test")
    assert found.level is level
    assert words in found.sentence
