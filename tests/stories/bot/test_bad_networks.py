"""Runs by comment over networks that lose, delay, cut and repeat what is sent: each has its one true end, told once.

What happens is drawn from a seed, which a failure names. `make test` tries a few, `make chaos` many.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.github.server import FakeGitHub
from tests.fakes.network.chance import SWIFT, Chance, Fault
from tests.fakes.network.http import HttpProxy
from tests.servers import RealServer
from tests.stories.bot.conftest import Begin
from tests.stories.bot.counted import OUTPUT, Counted
from tests.teller import eventually

RUNS = 3
SETTLED_WITHIN = 100.0
MADE = re.compile(r"POST .*/(check-runs|comments)$")
"""What GitHub makes anew each time that it is asked."""

REMOVED_WITHIN = 60.0
WAYS = ("github", "agent-server", "both")

type TryOut = Callable[[str, Chance], Awaitable[None]]


@asynccontextmanager
async def bad_ways(
    way: str, chance: Chance, github: FakeGitHub, server: RealServer
) -> AsyncIterator[dict[str, str]]:
    """Settings of a bot that reaches GitHub, its server, or both by a bad network."""
    settings = {"BOT_RUNS_PER_USER_HOUR": "1000"}
    async with AsyncExitStack() as stack:
        if way != "agent-server":
            to_github = HttpProxy(github.url, chance, lambda name: not MADE.fullmatch(name))
            settings["BOT_GITHUB_API_URL"] = (await stack.enter_async_context(to_github)).url
        if way != "github":
            to_server = await stack.enter_async_context(HttpProxy(server.url, chance))
            settings["AUTOMATION_AGENT_SERVER_URL"] = to_server.url
        yield settings


async def run_by_comment(counted: Counted, chance: Chance) -> None:
    """Some commands at once; wait until all is as it has to be, or say what is not, and what went wrong on the way."""
    commands = [counted.command() for _ in range(RUNS)]

    def wrong() -> list[str]:
        return [sentence for command in commands for sentence in counted.wrong(command)] + counted.pending()

    with suppress(TimeoutError):
        await eventually(lambda: not wrong(), SETTLED_WITHIN)
    assert wrong() == [], f"{chance}\n{counted.demo.bot.log[-5000:]}"
    for command in commands:
        assert await counted.output(command) == OUTPUT, str(chance)


@pytest.fixture
def try_out(begin: Begin, github: FakeGitHub, server: RealServer, tmp_path: Path) -> TryOut:
    """A bot behind a bad network on one of the ways."""

    async def story(way: str, chance: Chance) -> None:
        async with bad_ways(way, chance, github, server) as settings:
            demo = await begin(**settings)
            await run_by_comment(Counted(demo, tmp_path / "starts"), chance)
            await eventually(lambda: demo.runs() == [], REMOVED_WITHIN)

    return story


@pytest.mark.timeout(250)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", WAYS)
async def test_each_run_has_its_one_true_end(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed))


@pytest.mark.chaos
@pytest.mark.timeout(250)
@pytest.mark.parametrize("seed", range(3, 23))
@pytest.mark.parametrize("way", WAYS)
async def test_each_run_of_many_has_its_one_true_end(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed))


@pytest.mark.chaos
@pytest.mark.timeout(700)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", WAYS)
async def test_where_some_requests_are_never_answered(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed, share=0.1, faults=[*SWIFT, Fault.SILENCE]))
