"""The bot is killed with -9 during a run and started again: how long after the run's end the right verdict shows.

Going on: the bot is back before the run ends; counted from the entrypoint's end, which the entrypoint writes down.
Ended: the run ends while the bot is dead; counted from the start of the new process.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.bench.scene import concluded, scene, soon
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import Demo

ROUNDS = 2
MAIN = "touch ../../began; sleep {seconds}; date +%s.%N > ../../ended; exit 3"
GOES_ON = 5.0
"""Seconds of a run that the bot has time to come back for."""
ENDS = 1.5
WITHIN = 30.0


async def measure(server: RealServer) -> tuple[list[float], list[float]]:
    """Seconds: going on, and ended."""
    going_on, ended = [], []
    with tempfile.TemporaryDirectory(prefix="bench-kill-") as name, FakeGitHub() as github:
        async with scene(Path(name), github, server) as demo:
            for slug, seconds in (("long", GOES_ON), ("short", ENDS)):
                demo.automation(MAIN.format(seconds=seconds), slug)
            for number in range(ROUNDS):
                going_on.append(await _going_on(demo, 10 + number))
                ended.append(await _ended(demo, 20 + number))
    return going_on, ended


async def _going_on(demo: Demo, number: int) -> float:
    await _killed_during(demo, number, "long")
    await demo.bot.start()
    ended = demo.server.runs / "ended"
    assert not ended.exists(), "the bot was not back before the run's end"
    seen = await _right_verdict(demo, number, "long")
    return seen - _taken(ended)


async def _ended(demo: Demo, number: int) -> float:
    await _killed_during(demo, number, "short")
    ended = demo.server.runs / "ended"
    await soon(ended.exists, WITHIN)
    await asyncio.sleep(0.5)
    _taken(ended)
    began = time.time()
    starting = asyncio.create_task(demo.bot.start())
    try:
        return await _right_verdict(demo, number, "short") - began
    finally:
        await starting


async def _killed_during(demo: Demo, number: int, slug: str) -> None:
    demo.pull(number)
    demo.comment(f"/run-automation {slug}", number=number)
    began = demo.server.runs / "began"
    await soon(began.exists, WITHIN)
    began.unlink()
    demo.bot.kill()


async def _right_verdict(demo: Demo, number: int, slug: str) -> float:
    """When it was seen."""
    check, seen = await concluded(demo, demo.repository.pulls[number], slug)
    check.is_("failure")
    assert "3" in (check.title or "") + (check.summary or ""), check
    return seen


def _taken(mark: Path) -> float:
    seconds = float(mark.read_text())
    mark.unlink()
    return seconds
