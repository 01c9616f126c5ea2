"""The bot's disk is full for a while: no wrong verdict, nothing lost, and all goes on by itself once there is room."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bot_process import OPERATOR
from tests.full_disk import Disk, LimitedWriter, small_disk
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
