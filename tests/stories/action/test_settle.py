"""A step that is killed at once: what it left is settled by the step after it, or by the watchdog when the job is gone."""

import asyncio
import signal
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.stories.action.conftest import PERMISSIONS, Demo
from tests.teller import eventually
from tests.workflow import REPOSITORY, Ended, ended_at_last

LATER: Final = 9_999_999_999
SLEEPS = "echo started; sleep 304"
ENDS = """echo started; sleep 3; echo '{"title": "It is done"}' > "$AUTOMATION_RESULT"; echo ended; exit 3"""


async def killed(demo: Demo, main: str, **definition: Any) -> tuple[str, Any]:
    """A run whose step was killed -9 after it had begun; its commit and its job."""
    sha = demo.automation(main, **definition)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.kill()
        await step.ends()
    assert demo.check(sha).status == "in_progress"
    return sha, job


async def watch(demo: Demo, **given: Any) -> Ended:
    inputs = given.pop("inputs", {})
    job = demo.job(demo.checkout.commit("Watch"), event_name="schedule", **given)
    return await job.run("", mode="watchdog", **inputs)


async def test_the_settling_step_stops_the_run_and_concludes_the_check(demo: Demo) -> None:
    sha, job = await killed(demo, SLEEPS)
    [run_id] = demo.runs()
    settled = await job.settle(automation="review")
    assert settled.code == 0
    assert settled.verdict == ("cancelled", "cancelled")
    assert settled.outputs["run-id"] == run_id
    check = demo.check(sha)
    check.is_("cancelled")
    assert "started" in (check.text or "")
    assert demo.server.processes(run_id) == []
    assert demo.runs() == []
    assert not job.state.exists()
    assert "Cancelled" in settled.summary


async def test_a_run_that_had_ended_by_itself_keeps_its_true_verdict(demo: Demo) -> None:
    sha, job = await killed(demo, ENDS)
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    settled = await job.settle(automation="review")
    assert settled.verdict == ("failure", "exit-code")
    assert settled.outputs["exit-code"] == "3"
    assert demo.check(sha).title == "It is done"
    assert demo.check(sha).conclusion == "failure"


async def test_settling_twice_changes_nothing(demo: Demo) -> None:
    sha, job = await killed(demo, SLEEPS)
    state = job.state.read_bytes()
    await job.settle(automation="review")
    writes = len(demo.check(sha).writes)
    job.state.write_bytes(state)
    again = await job.settle(automation="review")
    assert again.code == 0
    assert len(demo.check(sha).writes) == writes
    assert demo.runs() == []


async def test_killed_before_the_check_run_was_known_it_is_found_and_not_made_twice(demo: Demo) -> None:
    sha = demo.automation(SLEEPS)
    job = demo.job(sha)
    demo.github.fault("POST", r"/check-runs$", after_effect=True, delay=20)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        step.kill()
        await step.ends()
    await job.settle(automation="review")
    demo.check(sha).is_("cancelled")


async def test_killed_before_there_was_a_check_run_one_is_made(demo: Demo) -> None:
    sha = demo.automation(SLEEPS)
    job = demo.job(sha)
    fault = demo.github.fault("POST", r"/check-runs$", status=502, times=None)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: fault.hits > 0)
        step.kill()
        await step.ends()
    demo.github.clear_faults()
    await job.settle(automation="review")
    demo.check(sha).is_("cancelled")


async def test_nothing_left_is_nothing_to_settle(demo: Demo) -> None:
    sha = demo.automation("echo hi")
    job = demo.job(sha)
    assert (await job.run("review")).code == 0
    before = len(demo.github.requests)
    settled = await job.settle(automation="review")
    assert (settled.code, settled.log) == (0, "")
    assert len(demo.github.requests) == before


async def test_a_server_that_is_away_does_not_keep_the_check_pending(demo: Demo) -> None:
    sha, job = await killed(demo, SLEEPS)
    away = {"agent_server_url": "http://127.0.0.1:9", "agent_server_api_key": ""}
    settled = await job.settle(automation="review", **away)
    assert settled.verdict == ("cancelled", "cancelled")
    assert "may still be running" in (demo.check(sha).summary or "")
    assert job.state.exists(), "the run may still be going on"
    again = await job.settle(automation="review")
    assert again.verdict == ("cancelled", "cancelled")
    assert demo.runs() == []


async def test_the_watchdog_leaves_alone_what_is_under_way(demo: Demo) -> None:
    sha = demo.automation(SLEEPS)
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        passed = await watch(demo)
        assert passed.code == 0, passed.log
        assert demo.check(sha).status == "in_progress"
        step.signal(signal.SIGINT)
        await step.ends()


async def test_the_whole_job_gone_the_watchdog_tells_the_true_result(demo: Demo) -> None:
    sha, job = await killed(demo, ENDS)
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    run_of(demo, job.run_id).complete("failure")
    passed = await watch(demo)
    assert passed.code == 0, passed.log
    check = demo.check(sha)
    assert (check.conclusion, check.title) == ("failure", "It is done")
    assert "`exit-code`" in (check.summary or "")
    assert "ended" in (check.text or "")
    assert demo.runs() == []


async def test_the_whole_job_gone_the_watchdog_ends_what_still_runs(demo: Demo) -> None:
    sha, job = await killed(demo, SLEEPS)
    [run_id] = demo.runs()
    run_of(demo, job.run_id).complete("cancelled")
    passed = await watch(demo)
    assert passed.code == 0, passed.log
    demo.check(sha).is_("cancelled")
    assert demo.server.processes(run_id) == []
    assert demo.runs() == []


async def test_a_run_that_the_server_does_not_know_any_more_is_lost(demo: Demo) -> None:
    sha, job = await killed(demo, SLEEPS)
    [run_id] = demo.runs()
    await job.settle(automation="review", github_token="")
    assert demo.runs() == []
    run_of(demo, job.run_id).complete("failure")
    passed = await watch(demo)
    assert passed.code == 0, passed.log
    assert demo.check(sha).conclusion == "failure"
    assert "`run-lost`" in (demo.check(sha).summary or "")
    assert run_id in (demo.check(sha).summary or "")


async def test_a_watchdog_with_another_server_leaves_it_to_the_one_that_has_its_own(demo: Demo) -> None:
    sha, job = await killed(demo, ENDS)
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    run_of(demo, job.run_id).complete("failure")
    passed = await watch(demo, server=None)
    assert passed.code == 0, passed.log
    assert demo.check(sha).status == "in_progress"
    assert "another server" in passed.log
    assert demo.server.url not in str(demo.check(sha))
    await watch(demo)
    assert demo.check(sha).is_("failure").title == "It is done"


@pytest.mark.parametrize(
    ("workflow", "reason"), [("failure", "server-lost"), ("cancelled", "cancelled")], ids=str
)
async def test_a_run_whose_server_no_watchdog_has_is_lost_after_its_deadline(
    demo: Demo, workflow: str, reason: str
) -> None:
    sha, job = await killed(demo, SLEEPS)
    run_of(demo, job.run_id).complete(workflow)
    await watch(demo, server=None)
    assert demo.check(sha).status == "in_progress"
    demo.github.advance(24 * 3600)
    passed = await watch(demo, server=None)
    assert passed.code == 0, passed.log
    assert f"`{reason}`" in (demo.check(sha).is_(workflow).summary or "")
    await job.settle(automation="review")


async def test_a_run_that_is_nowhere_is_settled_by_what_github_knows(demo: Demo) -> None:
    """As one that ran on the runner itself."""
    sha = demo.checkout.commit("Anything")
    demo.repository.workflow_run(9002, head_sha=sha, status="completed", conclusion="cancelled")
    await asyncio.to_thread(forge, demo, sha, f"action:9002:{uuid4()}:1:{LATER}")
    passed = await watch(demo, server=None)
    assert passed.code == 0, passed.log
    demo.check(sha).is_("cancelled")


def run_of(demo: Demo, run_id: int) -> Any:
    return demo.repository.workflow_runs[run_id]


def forge(demo: Demo, sha: str, external_id: str, name: str = "forged") -> None:
    """A check run by somebody who may write checks, with this `external_id`."""
    import httpx  # noqa: PLC0415

    token = demo.github.job_token(REPOSITORY, run_id=1, permissions=PERMISSIONS)
    answer = httpx.post(
        f"{demo.github.url}/repos/{REPOSITORY}/check-runs",
        headers={"Authorization": f"Bearer {token.value}"},
        json={"name": name, "head_sha": sha, "status": "in_progress", "external_id": external_id},
        trust_env=False,
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        lambda keys: keys.replace("action:4242:", "action:9999:"),
        lambda keys: ":".join([*keys.split(":")[:-1], "1"]),
        lambda keys: keys.replace(":1:", ":2:"),
    ],
    ids=["another workflow run", "another deadline", "another attempt"],
)
async def test_a_forged_external_id_ends_and_removes_nothing(demo: Demo, change: Any) -> None:
    sha = demo.automation(SLEEPS)
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        genuine = demo.check(sha)
        forged = change(genuine.external_id)
        await asyncio.to_thread(forge, demo, sha, forged)
        passed = await watch(demo)
        assert passed.code == 0, passed.log
        assert demo.repository.check("review", sha).status == "in_progress"
        [run_id] = demo.runs()
        assert demo.server.processes(run_id)
        step.signal(signal.SIGINT)
        ended = await step.ends()
    assert ended.verdict == ("cancelled", "cancelled")
    demo.repository.check("review", sha).is_("cancelled")


@pytest.mark.parametrize(
    "text",
    [
        "action:4242:../../etc/passwd:1:1",
        "action:http://127.0.0.1:1/:00000000-0000-4000-8000-000000000000:1:1",
        "bot:4242:00000000-0000-4000-8000-000000000000:1:1",
        "action:4242:00000000-0000-4000-8000-000000000000:1:1\n",
        "nonsense",
    ],
)
async def test_hostile_external_ids_lead_nowhere(demo: Demo, text: str) -> None:
    sha = demo.automation("echo hi")
    demo.repository.workflow_run(1, head_sha=sha, status="completed", conclusion="success")
    await asyncio.to_thread(forge, demo, sha, text)
    passed = await watch(demo)
    assert passed.code == 0, passed.log
    assert demo.check(sha).status == "in_progress", "not of our making"
    assert "Traceback" not in passed.log


async def test_a_watchdog_without_permission_says_so(demo: Demo) -> None:
    demo.private = True
    demo.automation("echo hi")
    passed = await watch(demo, permissions={"checks": "write", "pull_requests": "read"})
    assert (*passed.verdict, passed.code) == ("failure", "bad-config", 2)
    assert "actions" in passed.errors[0]
