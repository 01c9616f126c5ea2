"""What a bot costs that has nothing to do, and one whose runs all wait for their automation, with nobody watching.

Each waiting run is a `sleep` on the real agent-server; each push starts one of every automation. Behind each stand
five processes, whose watchers look once a second: 100 runs keep two cores busy. So the processes of a run that has
begun are held with SIGSTOP, which the bot cannot tell from a sleep. To begin 500 takes minutes; `BENCH_WAITING=60`
begins fewer.
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

RUNS = int(os.environ.get("BENCH_WAITING", "500"))
CALM = 5.0
"""Seconds after the last beginning."""
IDLE, LOOKED_AT = 5.0, 60.0
"""Seconds over which the processor is measured, with no run and with all: what an unwatched run does, it does once
in each 60."""
MAIN = "touch begun; exec sleep 1800"
AUTOMATIONS = 10
FILTER = "starts_with(ref, 'refs/heads/wait-')"
BEGUN_WITHIN = 0.8 * RUNS + 40
WITHIN = BEGUN_WITHIN + 2 * CALM + IDLE + LOOKED_AT + 30
"""Seconds: for the runs to begin, and for everything."""


@dataclass(frozen=True)
class Load:
    """What the bot costs.

    Attributes:
        memory: resident, MiB.
        core: part of a processor.
    """

    memory: float
    core: float


async def measure(server: RealServer) -> tuple[Load, Load]:
    """With no run, and with all."""
    with tempfile.TemporaryDirectory(prefix="bench-waiting-") as name, FakeGitHub() as github:
        async with scene(
            Path(name),
            github,
            server,
            BOT_MAX_RUNS=MANY,
            BOT_MAX_RUNS_PER_REPOSITORY=MANY,
            BOT_MAX_RUNS_PER_SERVER=MANY,
        ) as demo:
            idle = await _load(demo, IDLE)
            await _begin(demo)
            return idle, await _load(demo, LOOKED_AT)


async def _begin(demo: Demo) -> None:
    trigger = {"type": "event", "source": "github", "on": "push", "filter": FILTER}
    for number in range(AUTOMATIONS):
        demo.checkout.automation(f"wait-{number}", MAIN, timeout=1800, trigger=trigger)
    demo.checkout.commit("Wait")
    demo.repository.push("main")
    for number in range(0, RUNS, AUTOMATIONS):
        branch = f"wait-{number}"
        demo.repository.push(branch, demo.branch(branch))
    deadline = time.monotonic() + BEGUN_WITHIN
    while (begun := len(_begun(demo))) < RUNS:
        assert time.monotonic() < deadline, f"{begun} of {RUNS} runs begun in {BEGUN_WITHIN:.0f} s"
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


async def _load(demo: Demo, seconds: float) -> Load:
    await asyncio.sleep(CALM)
    began, before = time.monotonic(), busy(demo)
    await asyncio.sleep(seconds)
    core = (busy(demo) - before) / (time.monotonic() - began)
    return Load(memory(demo), core)
