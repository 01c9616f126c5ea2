"""A real bot process between the fake GitHub and a real agent-server, and runs that are asked for by comment."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil

from tests.bot_process import SECRET, BotProcess
from tests.fakes.github.checks import CheckRun
from tests.fakes.github.pulls import Pull
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import HELLO, PERMISSIONS, Demo
from tests.workflow import REPOSITORY, Checkout

MANY = "10000"
NO_CAPS = {
    "BOT_RUNS_PER_USER_HOUR": MANY,
    "BOT_RUNS_PER_PULL_HOUR": MANY,
    "BOT_RUNS_PER_REPOSITORY_HOUR": MANY,
}
"""Settings that let a bench ask for as many runs as it needs."""
MIB = 1024 * 1024
LOOKS_EVERY = 0.004
ENDED_WITHIN = 30.0


@asynccontextmanager
async def scene(
    directory: Path, github: FakeGitHub, server: RealServer, repository: str = REPOSITORY, **more: str
) -> AsyncIterator[Demo]:
    """A repository with one automation, and a bot of its own that serves it; the bot is gone afterwards.

    Args:
        more: settings beside the usual ones.
    """
    async with AsyncExitStack() as stack:
        checkout = Checkout.make(directory / "checkout")
        checkout.automation("hello", HELLO)
        checkout.commit("Say hello")
        shown = github.repository(repository, git=checkout.path)
        shown.collaborator("alice", "write")
        shown.collaborator("bob", "write")
        app = github.app(f"{repository.replace('/', '-')}-bot", PERMISSIONS, secret=SECRET)
        app.install(repository)
        bot = BotProcess(directory / "bot", app, server, NO_CAPS | more)
        stack.callback(bot.end)
        await bot.start()
        app.hook(bot.webhook, SECRET)
        yield Demo(directory, github, server, checkout, app, bot, shown)


def memory(demo: Demo) -> float:
    """Resident memory of the bot, in MiB."""
    return psutil.Process(demo.bot.pid).memory_info().rss / MIB


def busy(demo: Demo) -> float:
    """Seconds of a processor that the bot has used so far."""
    times = psutil.Process(demo.bot.pid).cpu_times()
    return float(times.user + times.system)


async def soon(holds: Callable[[], bool], within: float) -> None:
    """Wait until something holds, looking often."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(LOOKS_EVERY)


async def concluded(demo: Demo, pull: Pull, name: str, checks: int = 1) -> tuple[CheckRun, float]:
    """The newest of so many completed check runs of a pull request's head, and when it was seen (Unix time)."""
    found: list[CheckRun] = []

    def is_over() -> bool:
        found[:] = [each for each in demo.repository.checks(pull.head) if each.name == name]
        return len(found) >= checks and all(each.is_completed for each in found)

    await soon(is_over, ENDED_WITHIN)
    return max(found, key=lambda each: each.id), time.time()
