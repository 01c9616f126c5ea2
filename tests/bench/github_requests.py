"""How many requests to GitHub a run by comment takes that lasts just under 15 s, by how much it prints.

Two repositories, each with an App and a bot of its own that was just started, so that the token's request counts;
one run prints a few bytes in each second, the other one 1 MB in all. All that came with the App's credentials
counts, and the archives that it was sent to.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bot.github.hook import PATH
from tests.bench.scene import concluded, scene, soon
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import NUMBER, Demo

SECONDS = 14
MIB = 1024 * 1024
QUIET, LOUD = 10, MIB // SECONDS
"""Bytes in each second of the run."""
MAIN = f"""for second in $(seq {SECONDS}); do
  head -c {{size}} /dev/zero | tr '\\0' x | fold -w 100; echo
  sleep 1
done"""
WITHIN = 30.0


async def measure(server: RealServer) -> tuple[list[str], list[str]]:
    """The requests of the quiet run and of the loud one, in their order."""
    with tempfile.TemporaryDirectory(prefix="bench-requests-") as name, FakeGitHub() as github:
        async with AsyncExitStack() as stack:
            demos = []
            for slug, size in (("quiet", QUIET), ("loud", LOUD)):
                demo = await stack.enter_async_context(
                    scene(Path(name) / slug, github, server, repository=f"octo/{slug}")
                )
                demo.automation(MAIN.format(size=size), "talk")
                demos.append(demo)
            quiet, loud = await asyncio.gather(*(_requests(demo) for demo in demos))
    return quiet, loud


async def _requests(demo: Demo) -> list[str]:
    pull = demo.pull()
    comment = demo.comment("/run-automation talk", number=NUMBER)
    check, _ = await concluded(demo, pull, "talk")
    check.is_("success")
    await soon(lambda: "rocket" in comment.reacted, WITHIN)
    # The list of deliveries is read by the minute, whatever runs.
    asked = [each for each in demo.github.requests_of(demo.app) if each.path != PATH]
    return [f"{each.method} {each.path}" for each in asked]
