"""Requests of one installation go as GitHub lets them, the most urgent first, and nothing cosmetic in a row."""

import asyncio
import time
from itertools import pairwise

import pytest

from automation.github.allowance import Allowance
from automation.github.errors import GitHubNotAsked
from automation.github.lane import Lane
from bot.github.lanes import BORNE, Lanes

APART = 0.1
ALL = [Lane.WATCH, Lane.COSMETIC, Lane.START, Lane.END]
"""The least urgent first."""


class Desk:
    """Sends requests that take no time, and remembers them."""

    def __init__(self, apart: float = 0) -> None:
        self.sent: list[Lane] = []
        self.gate = Lanes(self.sent.append, apart)
        self.order: list[Lane] = []
        self.spans: list[tuple[float, float]] = []

    async def send(self, lane: Lane, connection: object | None = "one", lasts: float = 0) -> None:
        async with self.gate.turn(connection, lane):
            self.order.append(lane)
            began = time.monotonic()
            await asyncio.sleep(lasts)
            self.spans.append((began, time.monotonic()))

    async def sending(self, *lanes: Lane) -> "asyncio.Future[list[None]]":
        """They are asked for in this order; over once that is awaited."""
        tasks = [asyncio.create_task(self.send(lane)) for lane in lanes]
        await asyncio.sleep(0)
        return asyncio.gather(*tasks)


async def test_a_connection_has_one_request_at_a_time_and_the_most_urgent_goes_first() -> None:
    desk = Desk()
    async with desk.gate.turn("one", Lane.START):
        sending = await desk.sending(*ALL, *ALL)
        assert desk.order == []
    await asyncio.wait_for(sending, 10)
    assert desk.order == sorted([*ALL, *ALL], key=lambda lane: lane.urgency)
    assert desk.gate.is_idle


async def test_of_one_lane_they_go_in_the_order_in_which_they_came() -> None:
    gate, order = Lanes(lambda _: None), list[int]()

    async def take(number: int) -> None:
        async with gate.turn("one", Lane.START):
            order.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_connections_do_not_wait_for_each_other() -> None:
    desk = Desk()
    async with desk.gate.turn("one", Lane.END):
        await asyncio.wait_for(desk.send(Lane.WATCH, "two"), 5)
        await asyncio.wait_for(desk.send(Lane.WATCH, None), 5)
        await asyncio.wait_for(desk.send(Lane.START, None), 5)


async def test_what_is_cosmetic_goes_apart_whatever_its_connection() -> None:
    desk = Desk(APART)
    cosmetic = [desk.send(Lane.COSMETIC, number, lasts=0.02) for number in range(4)]
    await asyncio.wait_for(asyncio.gather(*cosmetic), 10)
    assert all(begins - ends >= APART - 0.01 for (_, ends), (begins, _) in pairwise(desk.spans))


async def test_it_holds_up_nobody_else() -> None:
    desk = Desk(60)
    await desk.send(Lane.COSMETIC)
    waiting = asyncio.create_task(desk.send(Lane.COSMETIC))
    for _ in range(3):
        await asyncio.wait_for(desk.send(Lane.START), 5)
    assert desk.order == [Lane.COSMETIC, *[Lane.START] * 3]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert desk.gate.is_idle


async def test_what_github_names_is_kept_to_and_then_the_most_urgent_goes_first() -> None:
    desk = Desk()
    desk.gate.hear(Allowance(closed_for=0.3))
    began = time.monotonic()
    assert desk.gate.is_closed
    sending = await desk.sending(*ALL)
    assert desk.sent == []
    await asyncio.wait_for(sending, 10)
    assert desk.order == [Lane.END, Lane.START, Lane.COSMETIC, Lane.WATCH]
    assert min(begins for begins, _ in desk.spans) - began >= 0.29
    assert not desk.gate.is_closed


async def test_it_holds_for_those_who_wait_for_a_connection() -> None:
    desk = Desk()
    async with desk.gate.turn("one", Lane.START):
        waiting = asyncio.create_task(desk.send(Lane.START))
        await asyncio.sleep(0)
        desk.gate.hear(Allowance(closed_for=0.2))
    await asyncio.sleep(0.05)
    assert desk.order == []
    await asyncio.wait_for(waiting, 5)


async def test_who_would_wait_long_is_sent_away_at_once() -> None:
    desk = Desk()
    desk.gate.hear(Allowance(5000, 300, resets_in=3000))
    for lane in (Lane.COSMETIC, Lane.WATCH):
        with pytest.raises(GitHubNotAsked) as told:
            await asyncio.wait_for(desk.send(lane), 5)
        assert told.value.wait == pytest.approx(3000, abs=5)
    await desk.send(Lane.START)
    await desk.send(Lane.END)
    assert desk.sent == [Lane.START, Lane.END]
    assert desk.gate.is_idle


async def test_who_waits_already_is_sent_away_when_it_becomes_long() -> None:
    desk = Desk()
    desk.gate.hear(Allowance(closed_for=5))
    waiting = {lane: asyncio.create_task(desk.send(lane)) for lane in ALL}
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting.values())
    desk.gate.hear(Allowance(closed_for=BORNE[Lane.END] + 60))
    ends = await asyncio.gather(*waiting.values(), return_exceptions=True)
    assert all(isinstance(end, GitHubNotAsked) for end in ends)


async def test_who_leaves_or_fails_leaves_his_turn() -> None:
    desk = Desk()
    with pytest.raises(KeyError):
        async with desk.gate.turn("one", Lane.START):
            raise KeyError
    async with desk.gate.turn("one", Lane.START):
        leaving = asyncio.create_task(desk.send(Lane.END))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.wait_for(desk.send(Lane.START), 5)
    assert desk.order == [Lane.START]


async def test_who_is_cancelled_at_the_moment_of_his_turn_leaves_it() -> None:
    desk = Desk()
    async with desk.gate.turn("one", Lane.START):
        leaving = asyncio.create_task(desk.send(Lane.END))
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.wait_for(desk.send(Lane.START), 5)
    assert desk.order == [Lane.START]


async def test_each_that_goes_is_counted() -> None:
    desk = Desk()
    for lane in ALL:
        await desk.send(lane)
    assert desk.sent == ALL


async def test_pauses_grow_with_what_is_spent() -> None:
    gate = Lanes(lambda _: None)
    assert gate.slowness == 1
    gate.hear(Allowance(5000, 1400, resets_in=3600))
    assert gate.slowness == pytest.approx(5, rel=0.01)
