"""Clocks that are set by an hour, either way, while runs wait and go on: the bot's, the agent-server's, both.

No run is ended early, none lives on past its own time, and nothing waits an hour longer.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.servers import RealServer
from tests.settable_clock import HOUR, SettableClock
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

pytestmark = pytest.mark.xdist_group("clocked")
SHORT, LONG = 15, 1800
QUEUE = {"concurrency": {"policy": "queue"}}


@dataclass(frozen=True)
class Clocks:
    """The bot's and the agent-server's."""

    bot: SettableClock
    server: SettableClock

    def set(self, whose: str, ahead: float) -> None:
        for name, clock in (("bot", self.bot), ("server", self.server)):
            if whose in {name, "both"}:
                clock.set(ahead)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clocked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServer]:
    """An agent-server that runs by a clock of its own."""
    home = tmp_path_factory.mktemp("clocked-server")
    server = RealServer(home)
    server.clock = SettableClock(home / "clock")
    try:
        await server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def clocks(clocked: RealServer, tmp_path: Path) -> Clocks:
    assert clocked.clock is not None
    clocked.clock.set(0)
    return Clocks(SettableClock(tmp_path / "clock"), clocked.clock)


@pytest.fixture
async def demo(begin: Begin, clocked: RealServer, clocks: Clocks) -> Demo:
    return await begin(on=clocked, clock=clocks.bot)


async def test_the_clocks_of_these_stories_are_what_the_processes_show(demo: Demo, clocks: Clocks) -> None:
    demo.automation("echo started at $(date +%s)", "review")
    clocks.set("both", HOUR)
    pull = demo.pull()
    demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    [said] = [line for line in (check.text or "").splitlines() if "started at" in line]
    assert int(said.split()[-1]) == pytest.approx(time.time() + HOUR, abs=60)


@pytest.mark.parametrize(
    ("whose", "ahead", "restarts"),
    [
        ("bot", HOUR, True),
        ("bot", -HOUR, False),
        ("server", -HOUR, True),
        pytest.param("server", HOUR, False, marks=pytest.mark.chaos),
        pytest.param("both", HOUR, False, marks=pytest.mark.chaos),
        pytest.param("both", -HOUR, True, marks=pytest.mark.chaos),
    ],
)
async def test_runs_end_by_themselves_or_at_their_own_time(
    demo: Demo, clocks: Clocks, whose: str, ahead: float, restarts: bool
) -> None:
    for name, timeout in {"short": SHORT, "long": LONG}.items():
        demo.automation("echo started; sleep 5; echo ended; exit 3", name, timeout=timeout)
    demo.automation("echo started; sleep 391", "endless", timeout=6)
    pull = demo.pull()
    for name in ("short", "long", "endless"):
        demo.comment(f"/run-automation {name}")
    await eventually(lambda: sum("started" in demo.output(run) for run in demo.runs()) == 3, 30)
    if restarts:
        demo.bot.kill()
    clocks.set(whose, ahead)
    if restarts:
        await demo.bot.start()
    # By whatever clock the next one is signed: GitHub has to take it.
    for token in demo.app.tokens:
        token.revoke()
    for name in ("short", "long"):
        check = await demo.concluded(pull.head, name)
        check.is_("failure")
        assert "exit code 3" in (check.summary or "")
        assert "ended" in (check.text or "")
    (await demo.concluded(pull.head, "endless")).is_("timed_out")
    assert demo.server.processes("sleep 391") == []
    await eventually(lambda: demo.runs() == [])


@pytest.mark.parametrize(
    ("ahead", "restarts"),
    [(HOUR, False), (-HOUR, True), pytest.param(HOUR, True, marks=pytest.mark.chaos)],
)
async def test_what_waits_for_its_turn_has_it_and_a_bad_moment_of_github_is_borne(
    demo: Demo, clocks: Clocks, ahead: float, restarts: bool
) -> None:
    demo.automation("echo started; sleep 4", "review", timeout=SHORT, github=QUEUE)
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    demo.comment("/run-automation review")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    if restarts:
        demo.bot.kill()
    clocks.set("bot", ahead)
    if restarts:
        await demo.bot.start()
    demo.github.fault("GET", r"/permission$", status=503, headers={"retry-after": "170"})
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 60)
    assert {each.conclusion for each in demo.repository.checks(pull.head)} == {"success"}


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_request_that_waits_is_dealt_with_all_the_same(
    demo: Demo, clocks: Clocks, ahead: float
) -> None:
    pull = demo.pull()
    demo.github.fault("GET", r"/pulls/7$", delay=3)
    for _ in range(2):
        demo.comment("/run-automation hello")
        demo.github.settle()
    clocks.set("bot", ahead)
    demo.comment("/run-automation hello")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 3, 30)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 30)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_cap_within_an_hour_holds_for_an_hour(
    begin: Begin, clocked: RealServer, clocks: Clocks, ahead: float
) -> None:
    demo = await begin(on=clocked, clock=clocks.bot, BOT_RUNS_PER_USER_HOUR="1")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    clocks.set("bot", ahead)
    demo.comment("/run-automation hello")
    await demo.says("within the last hour")
    assert len(demo.repository.checks(pull.head)) == 1
