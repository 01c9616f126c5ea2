"""A run by comment on three replicas, of which one is killed for good before or after each thing that they do outside.

Whichever of them comes to that point first is killed, and a new one comes into its place; see `test_kill_points.py`.
`make test` kills at a few, `make chaos` at all.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bot_process import BotProcess
from tests.killed_bot import KILLED_AT, PASSED, arm
from tests.postgresql import PostgreSQL
from tests.stories.bot.commanders import ROOM
from tests.stories.bot.conftest import Begin
from tests.stories.bot.counted import Counted
from tests.stories.bot.fleet import MORE, Fleet, fleet
from tests.stories.bot.test_kill_points import PARTS, REMOVED_WITHIN, settled, worth_a_death
from tests.teller import eventually

GRAVEST = ("POST /check-runs", "POST /api/bash/start_bash_command", "PATCH /check-runs/*")
"""Effects after which the check run is there, the run has been started, and its end is told."""
DUTY = "COMMIT ReplicaRows.take"
"""Said again and again."""


@pytest.fixture
async def three(begin: Begin, postgres: PostgreSQL, tmp_path: Path) -> AsyncIterator[Fleet]:
    files = {PASSED: str(tmp_path / "passed"), KILLED_AT: str(tmp_path / "killed-at")}
    async with fleet(begin, postgres, more=MORE | ROOM | files, module="tests.killed_bot") as made:
        yield made


@pytest.fixture
def counted(three: Fleet, tmp_path: Path) -> Counted:
    return Counted(three.demo, tmp_path / "starts")


def is_grave(point: str) -> bool:
    return point.startswith("after ") and any(f" {effect} #" in point for effect in GRAVEST)


async def points_of_a_run(three: Fleet, counted: Counted) -> list[str]:
    """The points that any of them passes from a comment on."""
    more = three.demo.bot.more
    arm(Path(more[KILLED_AT]))
    file = Path(more[PASSED])
    before = len(file.read_text().splitlines()) if file.exists() else 0
    await settled(counted, counted.command())
    points = dict.fromkeys(file.read_text().splitlines()[before:])
    return [point for point in worth_a_death(list(points)) if DUTY not in point or point.endswith("#1")]


async def killed_at(three: Fleet, counted: Counted, point: str) -> bool:
    """One command, and one of them killed there; whether any of them has come to that point."""
    # The one before may have been come to late.
    await replace_dead(three)
    arm(Path(three.demo.bot.more[KILLED_AT]), point)
    command = counted.command()

    def is_over() -> bool:
        return bool(dead(three)) or not (counted.wrong(command) or counted.pending())

    await eventually(is_over, 30)
    is_reached = bool(dead(three))
    await replace_dead(three)
    await settled(counted, command)
    return is_reached


def dead(three: Fleet) -> list[BotProcess]:
    return [bot for bot in three.alive if not bot.is_alive]


async def replace_dead(three: Fleet) -> None:
    """With nobody to be killed meanwhile."""
    arm(Path(three.demo.bot.more[KILLED_AT]))
    for bot in dead(three):
        three.kill(bot)
        await three.add()


async def judge_points(three: Fleet, counted: Counted, points: list[str]) -> None:
    """Kill at each of them; say at which ones something is not as it has to be."""
    failures, missed = {}, []
    for point in points:
        try:
            if not await killed_at(three, counted, point):
                missed.append(point)
        except AssertionError as error:
            failures[point] = str(error)
    assert failures == {}
    await replace_dead(three)
    with suppress(TimeoutError):
        await eventually(lambda: counted.demo.runs() == [], REMOVED_WITHIN)
    assert counted.demo.runs() == []
    # Who does what, and how far apart, differs from run to run.
    assert len(missed) <= len(points) // 5, missed
    assert [counted.wrong(command) for command in counted.commands] == [[]] * len(counted.commands)


@pytest.mark.timeout(250)
async def test_killed_where_it_is_gravest(three: Fleet, counted: Counted) -> None:
    points = [point for point in await points_of_a_run(three, counted) if is_grave(point)]
    assert len(points) >= len(GRAVEST)
    await judge_points(three, counted, points)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
async def test_killed_at_every_point(three: Fleet, counted: Counted, part: int) -> None:
    await judge_points(three, counted, (await points_of_a_run(three, counted))[part::PARTS])
