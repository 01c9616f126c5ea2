"""What a bot costs that has nothing to do, and one whose runs all wait for their automation, with nobody watching.

Each waiting run is a `sleep` on the real agent-server; each push starts one of every automation. Behind
each stand five processes, whose watchers look once a second: 100 runs keep two cores busy. So the processes of a
run that has begun are held with SIGSTOP, which the bot cannot tell from a sleep.

To begin 500 takes minutes, so what they would cost is drawn from lines: memory from that through the last two
steps, since the first few runs load what all share; the processor's from that through idle and the last step.
`BENCH_WAITING=250,500` begins them all the same.
"""

import asyncio
import os
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.scene import MANY, busy, memory, scene
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import Demo

GOAL = 500
STEPS = tuple(int(each) for each in os.environ.get("BENCH_WAITING", "20,60").split(","))
"""How many runs wait at each step."""
CALM = 5.0
"""Seconds after the last beginning."""
IDLE, LOOKED_AT = 5.0, 60.0
"""Seconds over which the processor is measured, before the last step and at it: what an unwatched run does, it
does once in each 60."""
MAIN = "touch begun; exec sleep 1800"
AUTOMATIONS = 10
FILTER = "starts_with(ref, 'refs/heads/wait-')"
BEGUN_WITHIN = 0.8 * STEPS[-1] + 40
WITHIN = len(STEPS) * (BEGUN_WITHIN + CALM + LOOKED_AT)
"""Seconds: for a step to begin, and for all of them."""


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


async def measure(server: RealServer) -> list[Load]:
    """With no run, and at each step."""
    with tempfile.TemporaryDirectory(prefix="bench-waiting-") as name, FakeGitHub() as github:
        async with scene(Path(name), github, server, BOT_MAX_RUNS=MANY) as demo:
            loads = [await _load(demo, 0, IDLE)]
            for wanted in STEPS:
                await _begin(demo, loads[-1].runs, wanted)
                seconds = LOOKED_AT if wanted == STEPS[-1] else IDLE
                loads.append(await _load(demo, wanted, seconds))
    return loads


def drawn(loads: list[Load]) -> Load:
    """What `GOAL` runs would cost."""
    idle, before, last = loads[0], *loads[-2:]
    each = (last.memory - before.memory) / (last.runs - before.runs)
    return Load(
        GOAL,
        last.memory + each * (GOAL - last.runs),
        idle.core + (last.core - idle.core) * GOAL / last.runs,
    )


async def _begin(demo: Demo, there: int, wanted: int) -> None:
    if not there:
        trigger = {"type": "event", "source": "github", "on": "push", "filter": FILTER}
        for number in range(AUTOMATIONS):
            demo.checkout.automation(f"wait-{number}", MAIN, timeout=1800, trigger=trigger)
        demo.checkout.commit("Wait")
        demo.repository.push("main")
    for number in range(there, wanted, AUTOMATIONS):
        branch = f"wait-{number}"
        demo.repository.push(branch, demo.branch(branch))
    deadline = time.monotonic() + BEGUN_WITHIN
    while (begun := len(_begun(demo))) < wanted:
        assert time.monotonic() < deadline, f"{begun} of {wanted} runs begun in {BEGUN_WITHIN:.0f} s"
        await asyncio.sleep(1)
        await asyncio.to_thread(_hold, demo)
    await asyncio.to_thread(_hold, demo)


def _begun(demo: Demo) -> set[str]:
    """Directories of the runs that have."""
    return {str(file.parents[1]) for file in demo.server.runs.glob("*/*/begun")}


def _hold(demo: Demo) -> None:
    """Stop the processes of the runs that have begun; the agent-server's end kills them."""
    begun = _begun(demo)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd().removesuffix("/work") in begun and process.status() != psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGSTOP)


async def _load(demo: Demo, runs: int, seconds: float) -> Load:
    await asyncio.sleep(CALM)
    began, before = time.monotonic(), busy(demo)
    await asyncio.sleep(seconds)
    core = (busy(demo) - before) / (time.monotonic() - began)
    return Load(runs, memory(demo), core)
