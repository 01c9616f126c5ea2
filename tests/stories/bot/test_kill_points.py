"""A run by comment, with the bot killed before and after each thing that it does outside, and started again.

Which points there are is seen by letting one run pass all of them. `make test` kills at those after which an effect is
there and the bot does not know of it; `make chaos` at all.
"""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.killed_bot import KILLED_AT, PASSED, arm
from tests.stories.bot.conftest import Begin, Demo
from tests.stories.bot.counted import OUTPUT, SLUG, Command, Counted
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
    demo.bot.more |= {PASSED: str(tmp_path / "passed"), KILLED_AT: str(tmp_path / "killed-at")}
    return Counted(demo, tmp_path / "starts")


async def points_of_a_run(counted: Counted) -> list[str]:
    """The points that a bot passes from a comment on; of what it only reads, those of the first time."""
    await restart(counted.demo)
    before = len(passed(counted.demo))
    await settled(counted, counted.command())
    return worth_a_death(passed(counted.demo)[before:])


async def points_of_a_start(counted: Counted) -> list[str]:
    """The same from its start on, for a comment that came while nobody was there."""
    before = len(passed(counted.demo))
    command = await command_to_nobody(counted)
    await restart(counted.demo)
    await settled(counted, command)
    return worth_a_death(passed(counted.demo)[before:])


def passed(demo: Demo) -> list[str]:
    file = Path(demo.bot.more[PASSED])
    return file.read_text().splitlines() if file.exists() else []


def worth_a_death(points: list[str]) -> list[str]:
    return [point for point in points if " GET " not in point or point.endswith("#1")]


async def command_to_nobody(counted: Counted) -> Command:
    counted.demo.bot.kill()
    command = counted.command()
    counted.demo.github.settle()
    return command


def is_blind(point: str) -> bool:
    """Whether an effect is there that the bot has not been told of."""
    return point.startswith("after ") and " GET " not in point and " COMMIT " not in point


async def restart(demo: Demo, killed_at: str = "") -> None:
    demo.bot.kill()
    arm(Path(demo.bot.more[KILLED_AT]), killed_at)
    await demo.bot.start()


async def settled(counted: Counted, command: Command) -> None:
    """Wait until everything is as it has to be, so many seconds at the most; what is not is said by an assertion."""

    def is_settled() -> bool:
        return not counted.wrong(command) and not counted.pending()

    with suppress(TimeoutError):
        await eventually(is_settled, SETTLED_WITHIN)
    assert [*counted.wrong(command), *counted.pending()] == []
    assert await counted.output(command) == OUTPUT


async def killed_at(counted: Counted, point: str, *, is_heard: bool) -> bool:
    """One command, with a bot that is killed there and started again; whether it has come to that point."""
    demo = counted.demo
    command = None if is_heard else await command_to_nobody(counted)
    # It may die before it serves.
    with suppress(AssertionError):
        await restart(demo, point)
    command = command or counted.command()

    def is_over() -> bool:
        return not demo.bot.is_alive or not (counted.wrong(command) or counted.pending())

    await eventually(is_over, 30)
    is_reached = not demo.bot.is_alive
    await restart(demo)
    await settled(counted, command)
    return is_reached


async def judge_points(counted: Counted, points: list[str], *, is_heard: bool = True) -> None:
    """Kill at each of them; say at which ones something is not as it has to be."""
    failures, missed = {}, []
    for point in points:
        try:
            if not await killed_at(counted, point, is_heard=is_heard):
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


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_killed_while_it_takes_in_what_it_has_missed(counted: Counted) -> None:
    heard = await points_of_a_run(counted)
    points = [point for point in await points_of_a_start(counted) if point not in heard]
    assert any("/app/hook/deliveries/" in point for point in points), points
    await judge_points(counted, points, is_heard=False)


def wrong_after_a_stop(counted: Counted, command: Command) -> list[str]:
    """What of a run that somebody has cancelled is not as it has to be."""
    demo, checks = counted.demo, counted.checks(command)
    shown = [(check.status, check.conclusion) for check in checks]
    said = [each.body for each in demo.said(command.pull.number)]
    holds = {
        f"check runs: {shown}": shown == [("completed", "cancelled")],
        f"starts: {counted.starts_of(checks)}": counted.starts_of(checks) in (["started\n"], [""]),
        f"comments: {said}": ["status/" in body.splitlines()[0] for body in said]
        in ([True, False], [False, True]),
        f"reactions: {command.comment.reacted}": sorted(command.comment.reacted) == ["confused", "eyes"],
        "processes": not any(demo.server.processes(run_id) for run_id in demo.runs()),
    }
    return [sentence for sentence, is_so in holds.items() if not is_so] + counted.pending()


async def stopped(counted: Counted, point: str = "") -> tuple[Command, int]:
    """A run that is cancelled, by a bot that is to be killed there; how many points it had passed before."""
    demo = counted.demo
    await restart(demo, point)
    command = counted.command()

    def is_started() -> bool:
        return counted.starts_of(counted.checks(command)) == ["started\n"]

    await eventually(lambda: is_started() or not demo.bot.is_alive, 30)
    before = len(passed(demo))
    demo.comment(f"/run-automation cancel {SLUG}", number=command.pull.number)

    def is_over() -> bool:
        return not (wrong_after_a_stop(counted, command) and demo.bot.is_alive)

    await eventually(is_over, 30)
    return command, before


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_killed_while_it_stops_a_run(counted: Counted) -> None:
    counted.lasts(60)
    _, before = await stopped(counted)
    failures = {}
    for point in worth_a_death(passed(counted.demo)[before:]):
        command, _ = await stopped(counted, point)
        await restart(counted.demo)
        with suppress(TimeoutError):
            await eventually(lambda: not wrong_after_a_stop(counted, command), SETTLED_WITHIN)  # noqa: B023
        if wrong := wrong_after_a_stop(counted, command):
            failures[point] = wrong
    assert failures == {}
