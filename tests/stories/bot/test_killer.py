"""A bot that is killed at random while commands arrive: none is lost, none is run twice, nothing stays pending.

Twenty times in each `make test`; `make chaos` kills two hundred times.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

PULLS = (7, 8, 9, 10)
LIVES = (0, 0.05, 0.2, 0.6, 1.2, 2.4)
"""Seconds that the bot lives at the most: at times too few for anything, at times enough for a whole run."""

SETTLED_WITHIN = 10.0
"""Seconds from the last restart after which no check run is pending."""

ROOM = {f"BOT_RUNS_PER_{who}_HOUR": "10000" for who in ("USER", "PULL", "REPOSITORY")}


async def kill_at_random(begin: Begin, starts: Path, kills: int, seed: int) -> None:
    """Command, kill, start again; then look at what has become of each command."""
    starts.mkdir()
    chance = random.Random(seed)
    demo = await begin(**ROOM)
    demo.automation(f'echo started >> {starts}/"$AUTOMATION_RUN_ID"; sleep 0.3; exit 3', "count")
    heads = [demo.pull(number).head for number in PULLS]
    commands = 0
    for _ in range(kills):
        if chance.random() < 0.6:
            commands += 1
            demo.comment("/run-automation count", number=chance.choice(PULLS))
        await asyncio.sleep(chance.choice(LIVES) * chance.random())
        demo.bot.kill()
        if chance.random() < 0.2:
            # Nobody is there to hear it.
            commands += 1
            demo.comment("/run-automation count", number=chance.choice(PULLS))
            demo.github.settle()
        await demo.bot.start()
    await eventually(lambda: is_over(demo, heads, commands), SETTLED_WITHIN)
    checks = [check for head in heads for check in demo.repository.checks(head)]
    assert {check.conclusion for check in checks} == {"failure"}
    assert all("exit code 3" in (check.summary or "") for check in checks)
    assert len({check.external_id for check in checks}) == commands
    assert [file.read_text() for file in starts.iterdir()] == ["started\n"] * commands
    await eventually(lambda: demo.runs() == [], 30)


def is_over(demo: Demo, heads: list[str], commands: int) -> bool:
    """Each command has a check run of its own, and each check run its end."""
    checks = [check for head in heads for check in demo.repository.checks(head)]
    return len(checks) == commands and all(check.is_completed for check in checks)


@pytest.mark.timeout(400)
async def test_twenty_kills(begin: Begin, tmp_path: Path) -> None:
    await kill_at_random(begin, tmp_path / "starts", 20, seed=20261130)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
async def test_two_hundred_kills(begin: Begin, tmp_path: Path) -> None:
    await kill_at_random(begin, tmp_path / "starts", 200, seed=random.randrange(10**9))
