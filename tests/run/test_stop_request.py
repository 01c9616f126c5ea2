"""A stop is asked for once, whoever asks again, and whoever waits for it hears of it."""

import asyncio

from automation.observation import Cause
from automation.run.stop_request import StopRequest


def test_nobody_has_asked_yet() -> None:
    stop = StopRequest()
    assert (stop.by, stop.cause) == ("", Cause.CANCELLED)


def test_the_first_one_counts() -> None:
    stop = StopRequest()
    stop.ask("the watchdog", Cause.ABANDONED)
    stop.ask("alice")
    assert (stop.by, stop.cause) == ("the watchdog", Cause.ABANDONED)


async def test_whoever_waits_hears_of_it() -> None:
    stop = StopRequest()
    waits = asyncio.create_task(stop.asked())
    await asyncio.sleep(0)
    assert not waits.done()
    stop.ask("alice")
    async with asyncio.timeout(5):
        await waits


async def test_whoever_comes_later_does_not_wait() -> None:
    stop = StopRequest()
    stop.ask("alice")
    async with asyncio.timeout(5):
        await stop.asked()
