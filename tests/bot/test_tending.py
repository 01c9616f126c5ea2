"""Work goes on whatever fails, and its end is not waited for without end."""

import asyncio
import time

import pytest

from bot import tending as module
from bot.metrics import Metrics
from bot.tending import tending
from tests.teller import eventually


async def test_what_fails_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.01)
    metrics, begun = Metrics(), 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        raise ZeroDivisionError

    async with tending("work", work, metrics):
        await eventually(lambda: begun > 2, 5)
    assert b'defects_total{where="work"}' in metrics.text()


async def test_work_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDED_WITHIN", 0.1)
    end = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await end.wait()

    began = time.monotonic()
    async with tending("work", work, Metrics()):
        await asyncio.sleep(0)
    assert time.monotonic() - began < 5
    end.set()
