"""What must not be left half done is waited for, for as long as was said and no longer."""

import asyncio
import time

import pytest

from automation.errors import AutomationError
from automation.finishing import to_its_end

SOON = 0.1


async def begun(task: "asyncio.Task[object]") -> None:
    """Wait until it waits."""
    await asyncio.sleep(SOON / 2)
    assert not task.done()


async def test_it_gives_what_the_work_gives() -> None:
    assert await to_its_end(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(AutomationError, match="away"):
        await to_its_end(failing())


async def failing() -> None:
    await asyncio.sleep(SOON)
    raise AutomationError("away")


async def test_who_is_cancelled_waits_for_the_end_and_is_cancelled_then() -> None:
    ended = []

    async def work() -> None:
        await asyncio.sleep(2 * SOON)
        ended.append(1)

    task: asyncio.Task[object] = asyncio.create_task(to_its_end(work()))
    for _ in range(2):
        await begun(task)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1]


async def test_what_fails_meanwhile_is_a_cancellation_all_the_same() -> None:
    task: asyncio.Task[object] = asyncio.create_task(to_its_end(failing()))
    await begun(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_takes_longer_than_was_said_is_cancelled_too() -> None:
    tidied = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(SOON)
            tidied.append(1)

    task: asyncio.Task[object] = asyncio.create_task(to_its_end(work(), 2 * SOON))
    await asyncio.sleep(3 * SOON)
    assert not task.done(), "the time counts from the first cancellation"
    began = time.monotonic()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(SOON / 2)
        assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied == [1]
    assert time.monotonic() - began >= 2 * SOON
