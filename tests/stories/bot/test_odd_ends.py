"""Odd things on the way to an end: late answers, servers that forget or are away, long pull requests."""

import asyncio
import shutil

from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.faulty_proxy import Answer, Cut, faulty_proxy
from tests.servers import RealServer
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually


async def test_a_server_that_has_lost_its_disk_does_nothing_twice(begin: Begin, mortal: RealServer) -> None:
    demo = await begin(on=mortal)
    count = demo.directory / "count"
    demo.automation(f"echo x >> {count}; echo started; sleep 300", "deploy", timeout=600)
    pull = demo.pull()
    demo.comment("/run-automation deploy")
    run_id = await demo.running()
    await asyncio.sleep(0.5)
    demo.bot.kill()
    mortal.kill_everything()
    shutil.rmtree(mortal.runs / run_id)
    await mortal.start()
    await demo.bot.start()
    check = await demo.concluded(pull.head, "deploy")
    check.is_("failure")
    assert "run-lost" in (check.summary or "")
    assert count.read_text().split() == ["x"]


async def test_a_check_run_that_is_made_late_is_the_only_one(demo: Demo) -> None:
    pull = demo.pull()
    demo.github.fault("POST", r"/check-runs$", status=502)
    demo.github.fault("POST", r"/check-runs$", after_effect=True, delay=6)
    comment = demo.comment("/run-automation hello")
    await eventually(lambda: "rocket" in comment.reacted, 40)
    (await demo.concluded(pull.head)).is_("success")


async def test_a_cancel_while_the_server_is_away_ends_the_process_all_the_same(
    begin: Begin, mortal: RealServer
) -> None:
    demo = await begin(on=mortal)
    demo.automation("echo started; sleep 300", "slow", timeout=600)
    pull = demo.pull()
    demo.comment("/run-automation slow")
    run_id = await demo.running()
    mortal.kill()
    try:
        comment = demo.comment("/run-automation cancel slow")
        await eventually(lambda: "eyes" in comment.reacted)
        await asyncio.sleep(8)
    finally:
        await mortal.start()
    (await demo.concluded(pull.head, "slow", 40)).is_("cancelled")
    await eventually(lambda: mortal.processes(run_id) == [])
    await eventually(lambda: demo.runs() == [])


async def test_what_a_lost_server_still_runs_is_ended_once_it_is_back(
    begin: Begin, mortal: RealServer
) -> None:
    demo = await begin(on=mortal, AUTOMATION_PATIENCE="2")
    demo.automation("echo started; sleep 300", "slow", timeout=600)
    pull = demo.pull()
    demo.comment("/run-automation slow")
    run_id = await demo.running()
    mortal.kill()
    try:
        check = await demo.concluded(pull.head, "slow", 40)
        check.is_("failure")
        assert "server-lost" in (check.summary or "")
        assert mortal.processes(run_id)
    finally:
        await mortal.start()
    await eventually(lambda: mortal.processes(run_id) == [], 40)
    await eventually(lambda: demo.runs() == [])


async def test_what_could_not_be_removed_from_the_server_is_removed_later(
    begin: Begin, server: RealServer
) -> None:
    lost: list[bytes] = []

    async def lose_the_first_removal(request: Request, _: Answer) -> Response | None:
        command = await request.body()
        if request.url.path.endswith("/execute_bash_command") and b"cd .. && rm -rf" in command and not lost:
            lost.append(command)
            raise Cut
        return None

    async with faulty_proxy(server.url, lose_the_first_removal) as proxy:
        demo = await begin(AUTOMATION_AGENT_SERVER_URL=proxy.url)
        pull = demo.pull()
        demo.comment("/run-automation hello")
        (await demo.concluded(pull.head)).is_("success")
        assert lost
        await eventually(lambda: demo.runs() == [], 40)


async def test_who_has_waited_shows_as_in_progress_in_the_end(demo: Demo) -> None:
    demo.automation("sleep 3", "slow")
    pull = demo.pull()
    demo.comment("/run-automation slow")
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    second = demo.repository.checks(pull.head)[-1]
    assert second.status == "queued"
    await eventually(lambda: second.status == "in_progress", 20)
    await eventually(lambda: second.is_completed, 20)


async def test_the_token_of_the_callback_is_not_shown(demo: Demo) -> None:
    demo.automation('echo "at $AUTOMATION_CALLBACK_URL"', "tell")
    pull = demo.pull()
    demo.comment("/run-automation tell")
    check = await demo.concluded(pull.head, "tell")
    assert "/complete?t=***" in (check.text or "")
