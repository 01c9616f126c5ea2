"""What can wait goes a while apart for each installation, and nobody holds up another one's."""

import asyncio
import time
from itertools import pairwise

import pytest

from bot.github.pace import Pace

APART = 0.1


async def test_turns_of_one_installation_are_apart() -> None:
    pace, ends, begins = Pace(APART), list[float](), list[float]()

    async def take() -> None:
        async with pace.turn(7):
            begins.append(time.monotonic())
            await asyncio.sleep(0.02)
            ends.append(time.monotonic())

    await asyncio.gather(*(take() for _ in range(4)))
    assert all(begin - end >= APART - 0.01 for end, begin in zip(ends, begins[1:], strict=False))
    assert ends == sorted(ends)


async def test_the_first_does_not_wait_and_neither_does_another_installation() -> None:
    pace, began = Pace(60), time.monotonic()
    async with pace.turn(7), pace.turn(8):
        pass
    assert time.monotonic() - began < 1


async def test_whoever_fails_or_leaves_gives_up_his_turn() -> None:
    pace = Pace(APART)
    with pytest.raises(KeyError):
        async with pace.turn(7):
            raise KeyError
    waiting = asyncio.create_task(pace.turn(7).__aenter__())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    began = time.monotonic()
    async with asyncio.timeout(2), pace.turn(7):
        assert time.monotonic() - began <= APART + 0.05


async def test_they_go_in_the_order_in_which_they_came() -> None:
    pace, order = Pace(0), list[int]()

    async def take(number: int) -> None:
        async with pace.turn(7):
            order.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert all(before < after for before, after in pairwise(order))
