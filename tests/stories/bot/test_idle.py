"""A bot that has nothing to do: whatever it does by itself all the time, nothing of it grows.

A minute in each `make test`, in which the tests beside it have the processor; ten minutes by `make soak`.
"""

import asyncio
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median

import httpx
import psutil
import pytest

from tests.bot_process import OPERATOR
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

LOOKS_EVERY = 2.0
GROWN_UP = 12.0
"""Seconds after its last run, in which it gives back what that took; then each of its rounds has been once or often."""
MIB = 1024 * 1024
MOST_MEMORY = 2.0
"""MiB: Python gives memory back late, and asks for some at a time."""


@dataclass(frozen=True)
class Look:
    """What a bot has at one moment.

    Attributes:
        memory: resident, MiB.
        rows: of all tables.
    """

    memory: float
    handles: int
    threads: int
    children: int
    tasks: int
    rows: int


async def look(demo: Demo, http: httpx.AsyncClient) -> Look:
    process = psutil.Process(demo.bot.pid)
    metrics = (await http.get(f"{demo.bot.url}/metrics")).text
    tasks = re.search(r"^automation_bot_tasks (\S+)", metrics, re.MULTILINE)
    assert tasks
    return Look(
        memory=process.memory_info().rss / MIB,
        handles=process.num_fds(),
        threads=process.num_threads(),
        children=len(process.children(recursive=True)),
        tasks=int(float(tasks[1])),
        rows=rows(demo),
    )


def rows(demo: Demo) -> int:
    file = f"file:{demo.bot.home / 'bot.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        counts = [database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables]
    return int(sum(counts))


async def watched(demo: Demo, seconds: float) -> list[Look]:
    """What it had, look by look."""
    looks = []
    until = time.monotonic() + seconds
    # A connection of its own for each look would be one more handle for a while.
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {OPERATOR}"}) as http:
        while time.monotonic() < until:
            looks.append(await look(demo, http))
            await asyncio.sleep(LOOKS_EVERY)
    return looks


def grown(looks: Sequence[Look]) -> dict[str, list[float]]:
    """What there is ever more of, third by third: what a pool opens late, it opens once."""
    size = len(looks) // 3
    thirds = [looks[at : at + size] for at in range(0, 3 * size, size)]
    found: dict[str, list[float]] = {}
    for name in ("handles", "threads", "children", "tasks", "rows"):
        most = [max(getattr(each, name) for each in third) for third in thirds]
        if most[0] < most[1] < most[2]:
            found[name] = most
    memory = [median(each.memory for each in third) for third in thirds]
    if memory[0] < memory[1] < memory[2] and memory[2] - memory[0] > MOST_MEMORY:
        found["memory"] = memory
    return found


async def idle(begin: Begin, seconds: float) -> None:
    """Have one run, and then nothing."""
    demo = await begin(BOT_DELIVERIES_SECONDS="1")
    pull = demo.pull()
    comment = demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await eventually(lambda: "rocket" in comment.reacted, 20)
    await asyncio.sleep(GROWN_UP)
    asked = len(demo.github.requests_of(demo.app))
    looks = await watched(demo, seconds)
    assert grown(looks) == {}
    assert len(demo.github.requests_of(demo.app)) - asked > seconds / 2, "it did what it does by itself"
    assert "defect" not in demo.bot.log


@pytest.mark.timeout(240)
async def test_a_minute(begin: Begin) -> None:
    await idle(begin, 60)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_minutes(begin: Begin) -> None:
    await idle(begin, 600)


def looks_of(**grows: float) -> list[Look]:
    usual = {"memory": 100.0, "handles": 20, "threads": 9, "children": 0, "tasks": 12, "rows": 30}
    return [
        Look(**{name: value + grows.get(name, 0) * number for name, value in usual.items()})  # type: ignore[arg-type]
        for number in range(30)
    ]


@pytest.mark.parametrize("name", ["memory", "handles", "threads", "children", "tasks", "rows"])
def test_what_grows_slowly_is_seen(name: str) -> None:
    assert list(grown(looks_of(**{name: 0.15}))) == [name]
    assert grown(looks_of()) == {}
