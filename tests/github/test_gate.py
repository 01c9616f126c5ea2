"""Where no limit is tracked, requests of one connection go one after the other, and all others at once."""

import asyncio

import pytest

from automation.github.allowance import Allowance
from automation.github.gate import OneAtATime
from automation.github.lane import Lane


async def request(gate: OneAtATime, connection: object | None, lane: Lane, log: list[str], name: str) -> None:
    async with gate.turn(connection, lane):
        log.append(f"{name} goes")
        await asyncio.sleep(0)
        log.append(f"{name} is over")


async def test_a_connection_has_one_request_at_a_time_in_the_order_they_came() -> None:
    gate, connection, log = OneAtATime(), object(), list[str]()
    await asyncio.gather(
        request(gate, connection, Lane.WATCH, log, "first"),
        request(gate, connection, Lane.END, log, "second"),
    )
    assert log == ["first goes", "first is over", "second goes", "second is over"]


async def test_one_of_a_connection_of_its_own_waits_for_nobody() -> None:
    gate, log = OneAtATime(), list[str]()
    async with asyncio.timeout(5), gate.turn(object(), Lane.START):
        await request(gate, None, Lane.START, log, "download")
    assert log == ["download goes", "download is over"]


async def test_a_request_that_fails_or_is_given_up_makes_room() -> None:
    gate, connection, log = OneAtATime(), object(), list[str]()
    with pytest.raises(ValueError, match="failed"):
        async with gate.turn(connection, Lane.START):
            raise ValueError("failed")
    async with gate.turn(connection, Lane.START):
        waits = asyncio.create_task(request(gate, connection, Lane.START, log, "given up"))
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
    async with asyncio.timeout(5):
        await request(gate, connection, Lane.START, log, "next")
    assert log == ["next goes", "next is over"]


async def test_it_stays_open_whatever_github_says() -> None:
    gate = OneAtATime()
    gate.hear(Allowance(limit=5000, remaining=0, resets_in=3600, closed_for=3600))
    assert not gate.is_closed
    assert gate.slowness == 1
    async with asyncio.timeout(5), gate.turn(object(), Lane.COSMETIC):
        pass
