"""Runs by comment over networks that lose, delay, cut and repeat what is sent: each has its one true end, told once.

What happens is drawn from a seed, which a failure names. `make test` tries a few, `make chaos` many.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.bot_process import SECRET
from tests.fakes.github.server import FakeGitHub
from tests.fakes.network.chance import SWIFT, Chance, Fault
from tests.fakes.network.http import HttpProxy
from tests.servers import RealServer
from tests.stories.bot.conftest import Begin
from tests.stories.bot.counted import OUTPUT, Counted
from tests.teller import eventually

RUNS = 3
SETTLED_WITHIN = 100.0
REMOVED_WITHIN = 60.0
ONCE = r"POST .*/(check-runs|comments)"
"""What GitHub makes anew each time that it is asked: a network that repeated it would be to blame."""
WAYS = ("webhooks", "github", "agent-server", "all")

type TryOut = Callable[..., Awaitable[None]]


async def run_by_comment(counted: Counted, chance: Chance, within: float) -> None:
    """Some commands at once; wait until all is as it has to be, or say what is not, and what went wrong on the way."""
    commands = [counted.command() for _ in range(RUNS)]

    def wrong() -> list[str]:
        return [sentence for command in commands for sentence in counted.wrong(command)] + counted.pending()

    with suppress(TimeoutError):
        await eventually(lambda: not wrong(), within)
    assert wrong() == [], f"{chance}\n{counted.demo.bot.log[-5000:]}"
    for command in commands:
        assert await counted.output(command) == OUTPUT, str(chance)


@pytest.fixture
def try_out(begin: Begin, github: FakeGitHub, server: RealServer, tmp_path: Path) -> TryOut:
    """Runs by comment, with a bad network on one of the ways or on all."""

    async def story(way: str, chance: Chance, within: float = SETTLED_WITHIN) -> None:
        settings = {"BOT_RUNS_PER_USER_HOUR": "1000", "BOT_DELIVERIES_SECONDS": "5"}
        async with AsyncExitStack() as stack:

            async def by_a_bad_one(url: str) -> str:
                return (await stack.enter_async_context(HttpProxy(url, chance, ONCE))).url

            if way in {"github", "all"}:
                settings["BOT_GITHUB_API_URL"] = await by_a_bad_one(github.url)
                github.world.codeload_url = await by_a_bad_one(github.codeload_url)
            if way in {"agent-server", "all"}:
                settings["AUTOMATION_AGENT_SERVER_URL"] = await by_a_bad_one(server.url)
            demo = await begin(**settings)
            if way in {"webhooks", "all"}:
                demo.app.hook(f"{await by_a_bad_one(demo.bot.url)}/webhook", SECRET)
            await run_by_comment(Counted(demo, tmp_path / "starts"), chance, within)
            await eventually(lambda: demo.runs() == [], REMOVED_WITHIN)

    return story


@pytest.mark.timeout(250)
@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("way", WAYS)
async def test_each_run_has_its_one_true_end(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed))


@pytest.mark.chaos
@pytest.mark.timeout(250)
@pytest.mark.parametrize("seed", range(2, 22))
@pytest.mark.parametrize("way", WAYS)
async def test_each_run_of_many_has_its_one_true_end(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed))


@pytest.mark.chaos
@pytest.mark.timeout(800)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", WAYS)
async def test_where_some_requests_are_never_answered(try_out: TryOut, way: str, seed: int) -> None:
    await try_out(way, Chance(seed, share=0.1, faults=[*SWIFT, Fault.SILENCE]), within=600)
