"""What dies and comes back: the bot itself, its connection to GitHub, its rights there."""

import asyncio
from typing import Any

import pytest

from tests.servers import RealServer
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

SLOW = "echo started; sleep 6; echo ended"
MOMENTS = [0.0, 0.2, 0.4, 0.6, 0.9, 1.5, 2.5]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_at_any_moment_the_run_comes_to_its_true_end(demo: Demo, moment: float) -> None:
    demo.automation("echo started; sleep 1; echo ended; exit 3", "review")
    pull = demo.pull()
    comment = demo.comment("/run-automation review")
    demo.github.settle()
    await asyncio.sleep(moment)
    demo.bot.kill()
    await demo.bot.start()
    check = await demo.concluded(pull.head, "review", 40)
    check.is_("failure")
    assert "ended" in (check.text or "")
    await eventually(lambda: "confused" in comment.reacted, 20)
    assert len(demo.repository.checks(pull.head)) == 1
    assert len(demo.said()) == 1
    await eventually(lambda: demo.runs() == [])


async def test_a_run_that_ended_while_the_bot_was_dead(demo: Demo) -> None:
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    run_id = await demo.running()
    demo.bot.kill()
    await eventually((demo.server.runs / run_id / "status.json").exists, 20)
    await demo.bot.start()
    check = await demo.concluded(pull.head, "review")
    check.is_("success")
    assert "ended" in (check.text or "")


async def test_asked_to_stop_it_leaves_runs_going_and_takes_nothing_more(demo: Demo) -> None:
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    run_id = await demo.running()
    assert await asyncio.wait_for(demo.bot.terminate(), 10) == 0
    assert demo.server.processes(run_id)
    assert not demo.check(pull.head, "review").is_completed
    await demo.bot.start()
    (await demo.concluded(pull.head, "review")).is_("success")
    assert "Traceback" not in demo.bot.log


async def test_the_agent_server_dies_under_the_run(begin: Begin, mortal: RealServer) -> None:
    demo = await begin(on=mortal)
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    mortal.kill()
    await asyncio.sleep(1)
    await mortal.start()
    check = await demo.concluded(pull.head, "review", 60)
    assert check.conclusion in {"success", "failure"}


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "502 after the effect": {"status": 502, "after_effect": True},
    "limit": {
        "status": 403,
        "headers": {"retry-after": "1"},
        "body": {"message": "You have exceeded a secondary rate limit"},
    },
    "dropped after the effect": {"drop": True, "after_effect": True},
}
# What makes something meets every fault, what only asks meets one of them.
MADE = [("POST", r"/check-runs$"), ("PATCH", r"/check-runs/"), ("POST", r"/issues/\d+/comments$")]
ASKED = [("POST", r"/reactions$", "500"), ("GET", r"/pulls/", "limit"), ("GET", r"/permission$", "500")]


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [*((method, path, fault) for method, path in MADE for fault in FAULTS), *ASKED],
)
async def test_githubs_faults_make_nothing_twice(demo: Demo, method: str, path: str, fault: str) -> None:
    pull = demo.pull()
    demo.github.fault(method, path, **FAULTS[fault])
    comment = demo.comment("/run-automation hello")
    check = await demo.concluded(pull.head, within=40)
    check.is_("success")
    await eventually(lambda: "rocket" in comment.reacted, 20)
    assert len(demo.repository.checks(pull.head)) == 1
    assert len(demo.said()) == 1


async def test_a_token_that_ends_in_the_middle(demo: Demo) -> None:
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    for token in demo.app.tokens:
        token.revoke()
    (await demo.concluded(pull.head, "review")).is_("success")


async def test_a_suspended_installation_is_told_once_it_is_back(demo: Demo) -> None:
    demo.automation("echo started; sleep 2", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    installation = demo.app.installation_on("octo/demo")
    assert installation is not None
    installation.suspend()
    await asyncio.sleep(4)
    assert not demo.check(pull.head, "review").is_completed
    installation.unsuspend()
    (await demo.concluded(pull.head, "review", 40)).is_("success")


async def test_the_settings_change_while_a_run_goes_on(
    begin: Begin, server: RealServer, open_server: RealServer
) -> None:
    demo = await begin(on=server)
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    demo.bot.kill()
    assert server.key.encode() not in (demo.bot.home / "bot.sqlite3").read_bytes()
    demo.bot.server = open_server
    await demo.bot.start()
    (await demo.concluded(pull.head, "review")).is_("success")
    await eventually(lambda: demo.runs() == [])
