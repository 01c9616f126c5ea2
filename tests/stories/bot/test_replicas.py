"""Several replicas on one PostgreSQL: they are one bot, and whichever of them dies, nothing is lost or done twice."""

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.network.chance import Chance
from tests.fakes.network.tcp import TcpProxy
from tests.postgresql import PostgreSQL, postgresql
from tests.stories.bot.commanders import PULLS, ROOM, Commanders
from tests.stories.bot.conftest import Begin
from tests.stories.bot.counted import Counted
from tests.stories.bot.fleet import MORE, Fleet, fleet
from tests.teller import eventually

SLOW = "echo started; sleep 4; echo ended; exit 3"


async def output_at(url: str) -> tuple[list[str], float]:
    """The lines that a page is told until the end, and how many seconds before it the second one came."""
    lines, second = list[str](), 0.0
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http, http.stream("GET", url) as answer:
        kind = ""
        async for line in answer.aiter_lines():
            name, _, text = line.partition(": ")
            if name == "event":
                kind = text
            elif name == "data" and kind == "output":
                lines += json.loads(text).splitlines()
                if len(lines) > 1 and not second:
                    second = time.monotonic()
    return lines, time.monotonic() - second


@pytest.fixture
async def three(begin: Begin, postgres: PostgreSQL) -> AsyncIterator[Fleet]:
    async with fleet(begin, postgres) as made:
        yield made


async def test_one_drives_the_run_and_all_show_it_live(three: Fleet) -> None:
    demo = three.demo
    demo.automation("echo started; sleep 3; echo on the way; sleep 3; echo over")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    await demo.running()
    address = urlsplit(demo.check(pull.head).details_url or "")
    told = await asyncio.gather(
        *(output_at(f"{bot.url}{address.path}/log?{address.query}") for bot in three.alive)
    )
    (await demo.concluded(pull.head)).is_("success")
    assert [lines for lines, _ in told] == [["started", "on the way", "over"]] * 3
    # Nobody heard of it only at the end.
    assert all(seconds > 1 for _, seconds in told)
    assert len(demo.repository.checks(pull.head)) == 1
    await eventually(lambda: demo.runs() == [], 10)


async def test_the_driver_is_killed_and_another_one_tells_the_true_end(three: Fleet) -> None:
    demo = three.demo
    demo.automation(SLOW)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    run_id = await demo.running()
    await eventually(lambda: three.driver(run_id) != "", 10)
    three.kill(three.bot_of(three.driver(run_id)))
    check = await demo.concluded(pull.head)
    check.is_("failure")
    assert "exit code 3" in (check.summary or "")
    assert "ended" in (check.text or "")
    assert len(demo.repository.checks(pull.head)) == 1


async def test_a_cancel_reaches_the_driver_wherever_it_is(three: Fleet) -> None:
    demo = three.demo
    demo.automation("echo started; sleep 347", "review")
    pulls = [demo.pull(number) for number in (7, 8, 9)]
    for pull in pulls:
        demo.comment("/run-automation review", number=pull.number)
    await eventually(lambda: len(demo.runs()) == 3, 20)
    for pull in pulls:
        demo.comment("/run-automation cancel", number=pull.number)
    for pull in pulls:
        (await demo.concluded(pull.head, "review", 30)).is_("cancelled")
    assert demo.server.processes("sleep 347") == []


async def test_who_is_asked_to_stop_hands_over_at_once(three: Fleet) -> None:
    demo = three.demo
    demo.automation(SLOW)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    run_id = await demo.running()
    await eventually(lambda: three.driver(run_id) != "", 10)
    leaving = three.bot_of(three.driver(run_id))
    assert await leaving.terminate() == 0
    three.alive.remove(leaving)
    # Nobody waits until it is missed.
    await eventually(lambda: three.driver(run_id) in {bot.replica for bot in three.alive}, 3)
    check = await demo.concluded(pull.head)
    check.is_("failure")
    assert "exit code 3" in (check.summary or "")
    await eventually(lambda: {bot.replica for bot in three.alive} >= set(three.duties().values()), 10)


async def test_the_database_is_restarted_under_load(begin: Begin, tmp_path: Path) -> None:
    """Connections are cut, the server goes away and comes back: no wrong verdict, and nobody has to help."""
    with postgresql() as cluster:
        async with fleet(begin, cluster, 2, MORE | ROOM) as two:
            people = Commanders(two.demo, tmp_path / "starts", random.Random(1), seconds=2)
            for number in PULLS:
                people.command(number)
            await eventually(lambda: len(two.demo.runs()) >= 1, 20)
            cluster.cut(two.url.rpartition("/")[2])
            for number in PULLS:
                people.command(number)
            cluster.stop(signal.SIGQUIT)
            people.command(PULLS[0])
            await asyncio.sleep(1)
            cluster.start()
            await people.settled(60)
            assert all(bot.is_alive for bot in two.alive)


async def run_over_a_bad_way(begin: Begin, cluster: PostgreSQL, starts: Path, chance: Chance) -> None:
    """Runs by comment, while connections to the database are late, lost, cut in an answer or before it."""
    share, chance.share = chance.share, 0
    way = TcpProxy(("127.0.0.1", cluster.port), chance, "database")
    async with way, fleet(begin, cluster, 2, MORE | ROOM, way.port) as two:
        chance.share = share
        cluster.cut(two.url.rpartition("/")[2])
        counted = Counted(two.demo, starts)
        commands = [counted.command() for _ in range(3)]

        def wrong() -> list[str]:
            return [
                sentence for command in commands for sentence in counted.wrong(command)
            ] + counted.pending()

        # The pauses of what is put off grow, to 30 s by its fourth try.
        with suppress(TimeoutError):
            await eventually(lambda: not wrong(), 120)
        assert wrong() == [], str(chance)
        assert chance.log, "nothing has happened"
        chance.share = 0
        await eventually(lambda: two.demo.runs() == [], 60)


@pytest.mark.timeout(250)
async def test_the_way_to_the_database_is_bad(begin: Begin, postgres: PostgreSQL, tmp_path: Path) -> None:
    await run_over_a_bad_way(begin, postgres, tmp_path / "starts", Chance(1, share=0.5))


@pytest.mark.chaos
@pytest.mark.timeout(250)
@pytest.mark.parametrize("seed", range(2, 12))
async def test_many_ways_to_the_database_are_bad(
    begin: Begin, postgres: PostgreSQL, tmp_path: Path, seed: int
) -> None:
    await run_over_a_bad_way(begin, postgres, tmp_path / "starts", Chance(seed, share=0.5))


async def kill_for_good(begin: Begin, cluster: PostgreSQL, starts: Path, kills: int, seed: int) -> None:
    """Command, kill one of three, put a new one in its place; then look at what has become of each command."""
    async with fleet(begin, cluster, more=MORE | ROOM) as three:
        people = Commanders(three.demo, starts, random.Random(seed))
        for _ in range(kills):
            people.maybe_command(0.75)
            people.maybe_command(0.25)
            await asyncio.sleep(people.life())
            three.kill(people.chance.choice(three.alive))
            await three.add()
        await people.settled()


@pytest.mark.timeout(400)
async def test_twenty_are_killed_for_good(begin: Begin, postgres: PostgreSQL, tmp_path: Path) -> None:
    await kill_for_good(begin, postgres, tmp_path / "starts", 20, seed=20261130)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
async def test_two_hundred_are_killed_for_good(begin: Begin, postgres: PostgreSQL, tmp_path: Path) -> None:
    await kill_for_good(begin, postgres, tmp_path / "starts", 200, seed=random.randrange(10**9))
