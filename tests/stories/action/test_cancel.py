"""A workflow that is cancelled: INT, 7.5 s later TERM, 2.5 s later KILL, to the step's own shell and nobody else."""

import signal
import time

import pytest

from tests.stories.action.conftest import Demo
from tests.teller import eventually
from tests.workflow import RunningStep, ended_at_last

STUBBORN = "trap '' TERM INT; echo started; while :; do sleep 0.2; done"


async def cancel(step: RunningStep) -> float:
    """As GitHub's runner does; seconds until the step had ended, at most the ten that it gets."""
    began = time.monotonic()
    step.signal(signal.SIGINT)
    for number, at in ((signal.SIGTERM, 7.5), (signal.SIGKILL, 10.0)):
        try:
            await eventually(lambda: step.process.poll() is not None, within=began + at - time.monotonic())
        except TimeoutError:
            step.signal(number)
        else:
            break
    return time.monotonic() - began


@pytest.mark.parametrize("main", ["echo started; sleep 303", STUBBORN], ids=["obeys", "stubborn"])
async def test_a_cancelled_run_is_stopped_and_its_check_cancelled_before_the_kill(
    demo: Demo, main: str
) -> None:
    sha = demo.automation(main)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        took = await cancel(step)
        ended = await step.ends()
    assert took < 7.5, ended.log
    assert (*ended.verdict, ended.code) == ("cancelled", "cancelled", 130)
    demo.check(sha).is_("cancelled")
    assert demo.server.processes(ended.outputs["run-id"]) == []
    assert demo.runs() == []
    assert not job.state.exists()
    assert "cancelled" in ended.summary


async def test_github_that_is_slow_does_not_hold_the_stop_up(demo: Demo) -> None:
    sha = demo.automation(STUBBORN)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        demo.github.fault("PATCH", r"/check-runs/", delay=30, times=None)
        took = await cancel(step)
        ended = await step.ends()
    assert took < 10, ended.log
    assert ended.code == 130
    assert demo.server.processes(ended.outputs["run-id"]) == []
    demo.github.clear_faults()
    assert job.state.exists()
    settled = await job.settle(automation="review")
    assert settled.code == 0
    demo.check(sha).is_("cancelled")


async def test_a_server_that_is_slow_to_stop_does_not_hold_the_check_up(demo: Demo) -> None:
    sha = demo.automation(STUBBORN)
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.signal(signal.SIGINT)
        await eventually(lambda: demo.check(sha).status == "completed", within=6)
        await step.ends()
    demo.check(sha).is_("cancelled")


async def test_term_at_once_is_a_cancellation_too(demo: Demo) -> None:
    sha = demo.automation("echo started; sleep 303")
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.signal(signal.SIGTERM)
        ended = await step.ends(within=10)
    assert (*ended.verdict, ended.code) == ("cancelled", "cancelled", 130)
    demo.check(sha).is_("cancelled")


async def test_cancelled_while_the_definition_is_read_nothing_is_left(demo: Demo) -> None:
    sha = demo.automation("echo started; sleep 303")
    demo.github.fault("POST", r"/check-runs$", delay=3)
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("backend agent-server")
        step.signal(signal.SIGINT)
        ended = await step.ends(within=10)
    assert ended.code == 130
    assert demo.server.processes(ended.outputs["run-id"] or "automation-runs") == []
    settled = await step.job.settle(automation="review")
    assert settled.code == 0
    # There is one if it was about to be opened by then.
    assert {check.conclusion for check in demo.repository.checks(sha)} <= {"cancelled"}


@pytest.mark.parametrize("fail_on", ["failure", "never"])
async def test_stopped_by_somebody_else_it_is_cancelled(demo: Demo, fail_on: str) -> None:
    from automation.agent_server import AgentServer  # noqa: PLC0415
    from automation.connection import AgentConnection  # noqa: PLC0415
    from automation.observation import Cause  # noqa: PLC0415
    from automation.run.commands import run_key  # noqa: PLC0415
    from automation.run.stop import stop  # noqa: PLC0415

    sha = demo.automation("echo started; sleep 303")
    with ended_at_last(demo.job(sha).start(automation="review", fail_on=fail_on)) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        [run_id] = demo.runs()
        async with AgentServer(AgentConnection(demo.server.url, demo.server.key)) as server:
            await stop(server, run_key(run_id), None, Cause.SUPERSEDED)
        ended = await step.ends()
    assert (*ended.verdict, ended.code) == ("cancelled", "superseded", 130 if fail_on == "failure" else 0)
    demo.check(sha).is_("cancelled")
