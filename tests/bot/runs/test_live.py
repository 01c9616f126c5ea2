"""Whoever follows a run sees all of it, from where he begins, and its end; whoever waits is woken by what is new."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from automation.github.pace import OFTEN
from automation.observation import Cause
from automation.run.progress import Phase
from bot.runs.live import LiveRun
from bot.runs.piece import Piece
from bot.runs.run import Run, State
from tests.bot.store.rows import SUCCESS, a_run

if TYPE_CHECKING:
    from collections.abc import Callable


async def collect(live: LiveRun, offset: int = 0) -> list[Piece | Run]:
    return [news async for news in live.follow(offset)]


def text(news: list[Piece | Run]) -> bytes:
    return b"".join(each.data for each in news if isinstance(each, Piece))


def states(news: list[Piece | Run]) -> list[State]:
    return [each.state for each in news if isinstance(each, Run)]


async def followed(live: LiveRun, offset: int = 0) -> "asyncio.Task[list[Piece | Run]]":
    task = asyncio.create_task(collect(live, offset))
    await asyncio.sleep(0)
    return task


async def test_it_is_shown_as_it_is_and_then_as_it_goes_on() -> None:
    live = LiveRun(a_run())
    live.output(b"before\n")
    task = await followed(live)
    live.output(b"one\n")
    await asyncio.sleep(0)
    live.become(replace(live.run, state=State.RUNNING))
    live.output(b"two\n")
    await asyncio.sleep(0)
    live.become(replace(live.run, state=State.ENDED, end=SUCCESS))
    live.output(b"three\n")
    live.close()
    news = await task
    assert text(news) == b"before\none\ntwo\nthree\n"
    assert states(news) == [State.QUEUED, State.RUNNING, State.ENDED]
    pieces = [each for each in news if isinstance(each, Piece)]
    assert all(before.end == after.start for before, after in pairwise(pieces))


@pytest.mark.parametrize("offset", [0, 3, 8, 100])
async def test_it_is_followed_from_a_byte_on(offset: int) -> None:
    live = LiveRun(a_run())
    live.output(b"01234567")
    task = await followed(live, offset)
    live.output(b"89")
    await asyncio.sleep(0)
    live.output(b"ab" * 60)
    live.close()
    assert text(await asyncio.wait_for(task, 5)) == (b"0123456789" + b"ab" * 60)[offset:]


async def test_whoever_comes_after_the_end_gets_all_of_it() -> None:
    live = LiveRun(a_run())
    live.output(b"all")
    live.become(replace(live.run, state=State.ENDED))
    live.close()
    news = await asyncio.wait_for(collect(live), 5)
    assert (text(news), states(news)) == (b"all", [State.ENDED])


async def test_news_that_come_while_the_reader_is_slow_are_not_missed() -> None:
    live = LiveRun(a_run())
    seen: list[Piece | Run] = []

    async def read_slowly() -> None:
        async for news in live.follow(0):
            seen.append(news)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(read_slowly())
    for number in range(20):
        live.output(b"%d\n" % number)
        await asyncio.sleep(0.003)
    live.become(replace(live.run, state=State.ENDED, end=SUCCESS))
    live.close()
    await asyncio.wait_for(task, 5)
    assert text(seen) == b"".join(b"%d\n" % number for number in range(20))
    assert states(seen)[-1] is State.ENDED


async def test_it_is_read_often_only_while_it_is_followed() -> None:
    live = LiveRun(a_run())
    assert live.attention.pause == OFTEN
    following = live.follow(0)
    await anext(following)
    assert live.attention.pause < OFTEN
    assert live.attention.drawn.is_set()
    await following.aclose()
    assert live.attention.pause == OFTEN


async def test_phases_are_stations_and_the_servers_address_is_none_of_them() -> None:
    live = LiveRun(a_run())
    live.enter(Phase.CONNECT, "http://10.0.0.5:8000")
    live.enter(Phase.UPLOAD, "650 KiB")
    assert [(each.phase, each.detail) for each in live.run.stations] == [
        ("connect", ""),
        ("upload", "650 KiB"),
    ]


async def test_whoever_waits_is_woken_by_anything_new() -> None:
    live = LiveRun(a_run())
    tells: list[Callable[[], None]] = [
        lambda: live.output(b"x"),
        lambda: live.become(replace(live.run, name="Other")),
        lambda: live.enter(Phase.RUN),
        live.close,
    ]
    for tell in tells:
        news = live.news
        waiting = [asyncio.create_task(news.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        tell()
        await asyncio.wait_for(asyncio.gather(*waiting), 1)
        assert not live.news.is_set()


async def test_a_run_that_is_to_be_stopped_is_so_from_the_beginning() -> None:
    live = LiveRun(a_run(stop_by="the newer run", stop_cause=Cause.SUPERSEDED.value))
    await asyncio.wait_for(live.stop.asked(), 1)
    assert (live.stop.by, live.stop.cause) == ("the newer run", Cause.SUPERSEDED)
