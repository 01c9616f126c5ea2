"""What a bot costs that has nothing to do, and one whose runs all wait for their automation, with nobody watching.

Each waiting run is a `sleep` on the real agent-server, asked for by a comment on a pull request of its own. Whole
process trees stand behind them, whose watchers look each second: the machine of the bench bears only so many.
So the runs are begun in steps, and what 500 would cost is drawn from the line through the last two steps.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.scene import MANY, busy, memory, scene, soon
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import Demo

GOAL = 500
STEPS = tuple(int(each) for each in os.environ.get("BENCH_WAITING", "1,40,80").split(","))
"""How many runs wait at each step."""
CALM = 12.0
"""Seconds after the last beginning: answers are out, comments are written."""
LOOKED_AT = 15.0
"""Seconds over which the processor is measured: what an unwatched run does, it does in each 15."""
MAIN = "echo begun; exec sleep 900"
BEGUN_WITHIN = 240.0
FIRST = 100


@dataclass(frozen=True)
class Load:
    """What the bot costs with so many runs.

    Attributes:
        memory: resident, MiB.
        core: part of a processor.
    """

    runs: int
    memory: float
    core: float
    begun_in: float = 0


async def measure(server: RealServer) -> list[Load]:
    """With no run, and at each step."""
    with tempfile.TemporaryDirectory(prefix="bench-waiting-") as name, FakeGitHub() as github:
        async with scene(Path(name), github, server, BOT_MAX_RUNS=MANY) as demo:
            demo.automation(MAIN, "wait", timeout=1200)
            head = demo.branch()
            loads = [await _load(demo, 0, 0)]
            for wanted in STEPS:
                began = time.monotonic()
                await _begin(demo, head, loads[-1].runs, wanted)
                loads.append(await _load(demo, wanted, time.monotonic() - began))
    return loads


async def _begin(demo: Demo, head: str, there: int, wanted: int) -> None:
    for number in range(FIRST + there, FIRST + wanted):
        demo.pull(number, head=head)
        demo.comment("/run-automation wait", number=number)
    async with asyncio.timeout(BEGUN_WITHIN):
        while _begun(demo) < wanted:
            await asyncio.sleep(0.3)


def _begun(demo: Demo) -> int:
    return sum(1 for file in demo.server.runs.glob("*/output.log") if file.stat().st_size)


async def _load(demo: Demo, runs: int, begun_in: float) -> Load:
    await asyncio.sleep(CALM if runs else 1)
    began, before = time.monotonic(), busy(demo)
    await asyncio.sleep(LOOKED_AT if runs else 3)
    core = (busy(demo) - before) / (time.monotonic() - began)
    return Load(runs, memory(demo), core, begun_in)
