"""A bot that is killed at random while commands arrive: none is lost, none is run twice, nothing stays pending.

Twenty times in each `make test`; `make chaos` kills two hundred times.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.stories.bot.commanders import ROOM, Commanders
from tests.stories.bot.conftest import Begin


async def kill_at_random(begin: Begin, starts: Path, kills: int, seed: int) -> None:
    """Command, kill, start again; then look at what has become of each command."""
    demo = await begin(**ROOM)
    people = Commanders(demo, starts, random.Random(seed))
    for _ in range(kills):
        people.maybe_command(0.8)
        await asyncio.sleep(people.life())
        demo.bot.kill()
        # Nobody is there to hear it.
        people.maybe_command(0.3)
        demo.github.settle()
        await demo.bot.start()
    await people.settled()


@pytest.mark.timeout(400)
async def test_twenty_kills(begin: Begin, tmp_path: Path) -> None:
    await kill_at_random(begin, tmp_path / "starts", 20, seed=20261130)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
async def test_two_hundred_kills(begin: Begin, tmp_path: Path) -> None:
    await kill_at_random(begin, tmp_path / "starts", 200, seed=random.randrange(10**9))
