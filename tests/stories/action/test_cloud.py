"""The Action's runs in Cloud sandboxes: however a step ends, its sandbox is gone, and nobody else's."""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from automation.cloud import Cloud, account_of
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer
from tests.stories.action.conftest import Demo
from tests.teller import eventually
from tests.workflow import Ended, Job, ended_at_last

SLEEPS = "echo started; sleep 305"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        cloud.others()
        yield cloud
        assert [box.deleted_at for box in cloud.boxes if box.by != "us"] == [None]


def inputs(cloud: FakeCloud, **more: Any) -> dict[str, Any]:
    return {"cloud_api_url": cloud.url, "openhands_api_key": cloud.key, **more}


def job_of(demo: Demo, main: str, **given: Any) -> tuple[str, Job]:
    sha = demo.automation(main)
    return sha, demo.job(sha, server=None, **given)


async def test_a_run_has_a_sandbox_of_its_own(demo: Demo, cloud: FakeCloud) -> None:
    sha, job = job_of(
        demo, 'echo "in $SANDBOX_ID, ${AGENT_SERVER_URL:-nowhere else}"; env | grep -c KEY || true'
    )
    ended = await job.run("review", **inputs(cloud))
    assert ended.code == 0, ended.log
    assert "backend cloud, because openhands-api-key is given" in ended.log.splitlines()[3]
    [box] = [box for box in cloud.boxes if box.by == "us"]
    assert f"in {box.id}, nowhere else" in ended.log
    assert ended.outputs["sandbox-id"] == box.id
    assert cloud.left == []
    assert cloud.key is not None
    assert cloud.key not in ended.log.replace(f"::add-mask::{cloud.key}", "")
    demo.check(sha).is_("success")
    assert not job.state.exists()


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"status": 401}, ("failure", "sandbox-failed")),
        (
            {"status": 429, "body": '{"detail":{"error":"DAILY_SANDBOX_LIMIT_REACHED"}}'},
            ("action_required", "sandbox-limit"),
        ),
    ],
)
async def test_no_sandbox_is_a_verdict_with_a_check_run(
    demo: Demo, cloud: FakeCloud, fault: dict[str, Any], verdict: tuple[str, str]
) -> None:
    sha, job = job_of(demo, "echo up")
    cloud.fault("create", times=None, **fault)
    ended = await job.run("review", **inputs(cloud))
    assert ended.code == 3
    assert ended.verdict == verdict
    demo.check(sha).is_(verdict[0])


async def test_a_cancelled_step_leaves_no_sandbox(demo: Demo, cloud: FakeCloud) -> None:
    sha, job = job_of(demo, SLEEPS)
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await step.says("started")
        step.signal(signal.SIGINT)
        ended = await step.ends(10)
    assert ended.verdict == ("cancelled", "cancelled")
    assert cloud.left == []
    demo.check(sha).is_("cancelled")


async def test_a_step_that_is_cancelled_while_its_sandbox_starts(demo: Demo, cloud: FakeCloud) -> None:
    cloud.starts_in = 60
    sha, job = job_of(demo, SLEEPS)
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await eventually(lambda: cloud.left != [], 20)
        step.signal(signal.SIGINT)
        ended = await step.ends(10)
    assert ended.verdict == ("cancelled", "cancelled")
    assert cloud.left == []
    demo.check(sha).is_("cancelled")


@pytest.mark.parametrize("starts_in", [0, 60])
async def test_the_settling_step_deletes_what_a_killed_one_has_left(
    demo: Demo, cloud: FakeCloud, starts_in: float
) -> None:
    cloud.starts_in = starts_in
    sha, job = job_of(demo, SLEEPS)
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        if starts_in:
            await eventually(lambda: cloud.left != [], 20)
            await asyncio.sleep(0.5)
        else:
            await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.kill()
        await step.ends()
    assert len(cloud.left) == 1
    settled = await job.settle(automation="review", **inputs(cloud))
    assert settled.verdict == ("cancelled", "cancelled")
    assert cloud.left == []
    demo.check(sha).is_("cancelled")
    assert not job.state.exists()


async def watch(demo: Demo, cloud: FakeCloud) -> Ended:
    job = demo.job(demo.checkout.commit("Watch"), event_name="schedule", server=None)
    return await job.run("", mode="watchdog", **inputs(cloud))


async def test_the_watchdog_settles_and_deletes_what_a_lost_runner_has_left(
    demo: Demo, cloud: FakeCloud
) -> None:
    sha, job = job_of(demo, "echo started; sleep 2; exit 3")
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.kill()
        await step.ends()
    early = await watch(demo, cloud)
    assert early.code == 0, early.log
    assert len(cloud.left) == 1, "its workflow run goes on"
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    demo.repository.workflow_runs[job.run_id].complete("failure")
    watched = await watch(demo, cloud)
    assert watched.code == 0, watched.log
    assert demo.check(sha).conclusion == "failure"
    assert "exit code 3" in (demo.check(sha).summary or "")
    assert cloud.left == []


async def lost(demo: Demo, cloud: FakeCloud, **definition: Any) -> tuple[str, Job]:
    """A run whose runner is gone, in its sandbox, and whose workflow run is over."""
    sha = demo.automation("echo started; sleep 2; exit 3", **definition)
    job = demo.job(sha, server=None)
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.kill()
        await step.ends()
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    demo.repository.workflow_runs[job.run_id].complete("failure")
    return sha, job


@pytest.mark.parametrize(
    ("trouble", "later"), [("no list", 0), ("paused", 0), ("GitHub", 0), ("GitHub", 5 * 3600)]
)
async def test_what_cannot_be_told_now_is_left_for_another_pass(
    demo: Demo, cloud: FakeCloud, trouble: str, later: float
) -> None:
    """A verdict that was only not to be had is not made up, and its record is not deleted: also after its deadline."""
    sha, _ = await lost(demo, cloud)
    demo.github.advance(later)
    [box] = [box for box in cloud.boxes if box.by == "us"]
    match trouble:
        case "no list":
            cloud.fault("search", status=503, times=None)
        case "paused":
            cloud.pause(box.id)
        case _:
            demo.github.fault("PATCH", r"/check-runs/", status=403, times=None)
    watched = await watch(demo, cloud)
    assert watched.code == 0, watched.log
    assert not demo.check(sha).is_completed
    assert cloud.left == [box.id]
    cloud.clear_faults()
    demo.github.clear_faults()
    if trouble == "paused":
        await Cloud(account_of(cloud.url, cloud.key or "")).resume(box.id)
    await watch(demo, cloud)
    assert demo.check(sha).conclusion == "failure"
    assert "exit code 3" in (demo.check(sha).summary or "")
    assert cloud.left == []


async def test_a_watchdog_that_has_an_agent_server_leaves_it_to_the_one_that_has_the_cloud(
    demo: Demo, cloud: FakeCloud, open_server: RealServer
) -> None:
    sha, _ = await lost(demo, cloud)
    job = demo.job(demo.checkout.commit("Watch"), event_name="schedule", server=open_server)
    watched = await job.run("", mode="watchdog")
    assert watched.code == 0, watched.log
    assert not demo.check(sha).is_completed
    await watch(demo, cloud)
    assert "exit code 3" in (demo.check(sha).is_("failure").summary or "")


async def test_a_step_that_died_before_it_started_anything_in_its_sandbox_is_settled_at_once(
    demo: Demo, cloud: FakeCloud
) -> None:
    sha, job = job_of(demo, SLEEPS)
    uploads: list[str] = []

    def hold_up(line: str) -> bool:
        uploads.extend([line] if "/upload" in line else [])
        return "/upload" in line

    cloud.gate_fault = hold_up
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await eventually(lambda: bool(uploads) and len(demo.repository.checks(sha)) == 1, 20)
        step.kill()
        await step.ends()
    cloud.clear_faults()
    demo.repository.workflow_runs[job.run_id].complete("failure")
    watched = await watch(demo, cloud)
    assert watched.code == 0, watched.log
    demo.check(sha).is_("cancelled")
    assert cloud.left == []


async def test_a_success_that_nobody_could_tell_is_told_from_its_sandbox(
    demo: Demo, cloud: FakeCloud
) -> None:
    sha, job = job_of(demo, "echo started; sleep 1; echo fine")
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        demo.github.fault("PATCH", r"/check-runs/", status=403, times=None)
        ended = await step.ends(within=30)
    assert ended.verdict == ("success", "ok"), ended.log
    assert len(cloud.left) == 1, "it is the only record, where the runner is lost, too"
    demo.github.clear_faults()
    demo.repository.workflow_runs[job.run_id].complete("success")
    await watch(demo, cloud)
    demo.check(sha).is_("success")
    assert cloud.left == []


async def test_one_whose_check_run_is_on_another_commit_than_its_workflow_run_is_deleted_after_its_deadline(
    demo: Demo, cloud: FakeCloud
) -> None:
    """As where a comment has started it."""
    cloud.fault("delete", status=403, times=None)
    _, job = job_of(demo, "echo up")
    assert (await job.run("review", **inputs(cloud))).code == 0
    cloud.clear_faults()
    demo.repository.workflow_runs[job.run_id].complete("success")
    demo.repository.workflow_runs[job.run_id].head_sha = demo.checkout.commit("Main")
    await watch(demo, cloud)
    assert len(cloud.left) == 1
    demo.github.advance(5 * 3600)
    await watch(demo, cloud)
    assert cloud.left == []


async def test_a_sandbox_whose_verdict_was_told_already_is_deleted(demo: Demo, cloud: FakeCloud) -> None:
    cloud.fault("delete", status=403, times=None)
    sha, job = job_of(demo, "echo up")
    assert (await job.run("review", **inputs(cloud))).code == 0
    demo.check(sha).is_("success")
    assert len(cloud.left) == 1
    cloud.clear_faults()
    demo.repository.workflow_runs[job.run_id].complete("success")
    await watch(demo, cloud)
    assert cloud.left == []


async def test_one_that_is_to_stay_stays(demo: Demo, cloud: FakeCloud) -> None:
    sha, _ = await lost(demo, cloud, keep_alive=True)
    watched = await watch(demo, cloud)
    assert watched.code == 0, watched.log
    assert demo.check(sha).conclusion == "failure"
    assert len(cloud.left) == 1
    await watch(demo, cloud)
    assert len(cloud.left) == 1


async def test_the_settling_step_leaves_the_record_where_it_cannot_tell(demo: Demo, cloud: FakeCloud) -> None:
    sha, job = job_of(demo, SLEEPS)
    with ended_at_last(job.start(automation="review", **inputs(cloud))) as step:
        await step.says("started")
        await eventually(lambda: bool(json.loads(job.state.read_text())["check_id"]))
        step.kill()
        await step.ends()
    demo.github.fault("*", r"/check-runs", status=403, times=None)
    await job.settle(automation="review", **inputs(cloud))
    assert len(cloud.left) == 1
    demo.github.clear_faults()
    demo.repository.workflow_runs[job.run_id].complete("cancelled")
    await watch(demo, cloud)
    demo.check(sha).is_("cancelled")
    assert cloud.left == []


async def test_with_an_agent_server_given_no_request_goes_to_the_cloud(demo: Demo, cloud: FakeCloud) -> None:
    cloud.calls.clear()
    sha = demo.automation("echo up")
    ended = await demo.job(sha).run("review", **inputs(cloud))
    assert ended.code == 0, ended.log
    assert "backend agent-server, because agent-server-url is given" in ended.log
    assert ended.outputs["sandbox-id"] == ""
    assert cloud.calls == []
