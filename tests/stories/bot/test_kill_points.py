"""A run by comment, with the bot killed before and after each thing that it does outside, and started again.

Which points there are is seen by letting one run pass all of them. `make test` kills at those after which an effect is
there and the bot does not know of it; `make chaos` at all.
"""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.killed_bot import KILLED_AT, PASSED
from tests.stories.bot.conftest import Begin, Demo
from tests.stories.bot.counted import OUTPUT, Command, Counted
from tests.teller import eventually

SETTLED_WITHIN = 10.0
"""Seconds from the restart after which nothing is pending any more."""

REMOVED_WITHIN = 30.0
"""Seconds from the last restart after which nothing is left on the server: orphans are looked for every 20."""

PARTS = 2
"""So many tests share the points, each with a bot of its own."""


@pytest.fixture
async def counted(begin: Begin, tmp_path: Path) -> Counted:
    """The bot, to be killed; it has been there before, so that it takes in what it has missed."""
    demo = await begin(BOT_RUNS_PER_USER_HOUR="10000", BOT_RUNS_PER_REPOSITORY_HOUR="10000")
    demo.bot.module = "tests.killed_bot"
    demo.bot.more[PASSED] = str(tmp_path / "passed")
    return Counted(demo, tmp_path / "starts")


async def points_of_a_run(counted: Counted) -> list[str]:
    """The points that a bot passes from a comment on, each once: of what it only reads, the first time counts."""
    demo = counted.demo
    await restart(demo)
    passed = Path(demo.bot.more[PASSED])
    before = len(passed.read_text().splitlines())
    await settled(counted, counted.command())
    points = passed.read_text().splitlines()[before:]
    return [point for point in points if " GET " not in point or point.endswith("#1")]


def is_blind(point: str) -> bool:
    """Whether an effect is there that the bot has not been told of."""
    return point.startswith("after ") and " GET " not in point and " COMMIT " not in point


async def restart(demo: Demo, killed_at: str = "") -> None:
    demo.bot.kill()
    demo.bot.more[KILLED_AT] = killed_at
    await demo.bot.start()


async def settled(counted: Counted, command: Command) -> None:
    """Wait until everything is as it has to be, so many seconds at the most; what is not is said by an assertion."""

    def is_settled() -> bool:
        return not counted.wrong(command) and not counted.pending()

    with suppress(TimeoutError):
        await eventually(is_settled, SETTLED_WITHIN)
    assert [*counted.wrong(command), *counted.pending()] == []
    assert await counted.output(command) == OUTPUT


async def killed_at(counted: Counted, point: str) -> bool:
    """One command, with a bot that is killed there and started again; whether it has come to that point."""
    demo = counted.demo
    await restart(demo, point)
    command = counted.command()

    def is_over() -> bool:
        return not demo.bot.is_alive or not (counted.wrong(command) or counted.pending())

    await eventually(is_over, 30)
    is_reached = not demo.bot.is_alive
    await restart(demo)
    await settled(counted, command)
    return is_reached


async def judge_points(counted: Counted, points: list[str]) -> None:
    """Kill at each of them; say at which ones something is not as it has to be."""
    failures, missed = {}, []
    for point in points:
        try:
            if not await killed_at(counted, point):
                missed.append(point)
        except AssertionError as error:
            failures[point] = str(error)
    assert failures == {}
    await eventually(lambda: counted.demo.runs() == [], REMOVED_WITHIN)
    # How far apart things are that go on at the same time differs from run to run.
    assert len(missed) <= len(points) // 10, missed
    assert [counted.wrong(command) for command in counted.commands] == [[]] * len(counted.commands)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", range(PARTS))
async def test_killed_before_it_knows_of_an_effect(counted: Counted, part: int) -> None:
    points = [point for point in await points_of_a_run(counted) if is_blind(point)]
    assert len(points) > PARTS
    await judge_points(counted, points[part::PARTS])


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
async def test_killed_at_every_point(counted: Counted, part: int) -> None:
    await judge_points(counted, (await points_of_a_run(counted))[part::PARTS])
