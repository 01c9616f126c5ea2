"""The bot's disk is full for a while: no wrong verdict, nothing lost, and all goes on by itself once there is room."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.requests.worker import DEFECTS
from tests.bot_process import OPERATOR
from tests.full_disk import SMALL, Disk, LimitedWriter, small_disk
from tests.postgresql import PostgreSQL
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually


@pytest.fixture(params=["small disk", pytest.param("limited writer", marks=pytest.mark.chaos)])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """The real one where it may be made; what a process may write everywhere."""
    limited = LimitedWriter(tmp_path)
    if request.param == "limited writer":
        yield limited
        return
    try:
        with small_disk(tmp_path / "disk") as mounted:
            yield mounted
    except PermissionError:
        yield limited


@pytest.fixture
async def demo(begin: Begin, disk: Disk) -> Demo:
    database = f"sqlite:///{disk.directory / 'bot.sqlite3'}"
    return await begin(BOT_DATABASE_URL=database, BOT_DELIVERIES_SECONDS="1")


def asked(demo: Demo) -> tuple[int, int]:
    """How much the bot has asked of GitHub, and how often it has read the list of deliveries, which is each second."""
    paths = [each.path for each in demo.github.requests_of(demo.app)]
    lists = sum(path == "/app/hook/deliveries" for path in paths)
    return len(paths) - lists, lists


async def defects(demo: Demo) -> list[str]:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {OPERATOR}"}) as http:
        text = (await http.get(f"{demo.bot.url}/metrics")).text
    return [line for line in text.splitlines() if line.startswith("automation_bot_defects_total{")]


async def test_a_run_that_goes_on_and_a_command_that_comes_meanwhile(demo: Demo, disk: Disk) -> None:
    demo.automation("echo started; sleep 4; echo ended; exit 3", "review")
    pull, other = demo.pull(7), demo.pull(8)
    demo.comment("/run-automation review")
    run_id = await demo.running()
    disk.fill(demo.bot.pid)
    demo.comment("/run-automation hello", number=8)
    demo.github.settle()
    assert demo.app.deliveries[-1].status_code == 503
    await eventually((demo.server.runs / run_id / "status.json").exists, 20)
    await eventually(lambda: f"run {run_id} waits" in demo.bot.log, 20)
    assert not demo.check(pull.head, "review").is_completed
    assert demo.repository.checks(other.head) == []
    pid = demo.bot.pid
    disk.free(pid)
    check = await demo.concluded(pull.head, "review", 60)
    check.is_("failure")
    assert "exit code 3" in (check.summary or "")
    assert "ended" in (check.text or "")
    (await demo.concluded(other.head, "hello", 60)).is_("success")
    await eventually(lambda: demo.runs() == [], 20)
    assert (demo.bot.pid, await defects(demo)) == (pid, [])


async def test_a_command_that_was_taken_and_cannot_become_a_run_now(demo: Demo, disk: Disk) -> None:
    pull = demo.pull()
    demo.github.fault("GET", r"/pulls/7$", delay=2)
    demo.comment("/run-automation hello")
    demo.github.settle()
    disk.fill(demo.bot.pid)
    await eventually(lambda: "The database cannot be used now" in demo.bot.log, 20)
    before, lists = asked(demo)
    await eventually(lambda: asked(demo)[1] > lists + 8, 30)
    assert asked(demo)[0] - before < 20, "GitHub is not asked the same over and over"
    assert demo.repository.checks(pull.head) == []
    disk.free(demo.bot.pid)
    (await demo.concluded(pull.head, within=60)).is_("success")
    assert await defects(demo) == []


@pytest.fixture
async def temporary(begin: Begin, disk: Disk, request: pytest.FixtureRequest) -> Demo:
    """Only the bot's temporary files are on the disk that is filled."""
    more = {"TMPDIR": str(disk.directory), "BOT_MAX_RUNS": "1"}
    if isinstance(disk, LimitedWriter):
        # All files of the process are limited: the database is to be none of them.
        more["BOT_DATABASE_URL"] = request.getfixturevalue("emptied")
    return await begin(**more)


@pytest.fixture
def emptied(postgres: PostgreSQL) -> Iterator[str]:
    with postgres.emptied() as url:
        yield url


def large(demo: Demo, slug: str, main: str, **definition: Any) -> str:
    """Commit an automation that no small file holds to main; the commit."""
    (demo.checkout.path / f".openhands/automations/{slug}").mkdir(parents=True)
    (demo.checkout.path / f".openhands/automations/{slug}/large").write_bytes(os.urandom(4 * SMALL))
    return demo.automation(main, slug, **definition)


def fetched(demo: Demo) -> int:
    return sum("/tarball/" in each.path for each in demo.github.requests_of(demo.app))


async def test_a_command_and_an_event_that_come_while_no_temporary_file_has_room(
    temporary: Demo, disk: Disk
) -> None:
    demo = temporary
    on_push = {"trigger": {"type": "event", "source": "github", "on": "push"}}
    large(demo, "large", "echo large")
    main = large(demo, "deploy", "echo deployed", **on_push)
    pull = demo.pull()
    pid = demo.bot.pid
    disk.fill(pid)
    demo.comment("/run-automation large")
    demo.repository.push("main", sha=main)
    demo.github.settle()
    assert [each.status_code for each in demo.app.deliveries[-2:]] == [202, 202]
    # Tried as often as a defect would be, of which there is then no more to be expected.
    await eventually(lambda: fetched(demo) == 2 * DEFECTS, 60)
    assert demo.repository.checks(pull.head) == demo.repository.checks(main) == []
    disk.free(pid)
    (await demo.concluded(pull.head, "large", 60)).is_("success")
    (await demo.concluded(main, "deploy", 60)).is_("success")
    assert (demo.bot.pid, await defects(demo)) == (pid, [])


async def test_a_run_whose_turn_comes_while_no_temporary_file_has_room(temporary: Demo, disk: Disk) -> None:
    demo = temporary
    large(demo, "large", "echo large")
    demo.automation("echo started; sleep 4", "slow")
    pull, other = demo.pull(7), demo.pull(8)
    demo.comment("/run-automation slow")
    await demo.running()
    demo.comment("/run-automation large", number=8)
    await eventually(lambda: demo.repository.checks(other.head) != [], 20)
    pid = demo.bot.pid
    disk.fill(pid)
    (await demo.concluded(pull.head, "slow")).is_("success")
    await asyncio.sleep(10)
    assert not demo.check(other.head, "large").is_completed
    disk.free(pid)
    (await demo.concluded(other.head, "large", 60)).is_("success")
    assert (demo.bot.pid, await defects(demo)) == (pid, [])
