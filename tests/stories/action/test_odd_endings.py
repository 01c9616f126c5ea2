"""Odd endings: whatever GitHub, a server or a run does to the end of a step, it comes, it is told once, and it is true."""

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action.due import MAX_COMMITS, QUARTER, chosen
from automation.github import AppTokens, GitHub, GitHubUnavailable, GivenToken
from automation.github.check_run import NewCheck
from automation.github.checks import Checks
from automation.report import Report
from tests.dripping import dripping
from tests.fakes.github.server import FakeGitHub
from tests.full_disk import small_disk
from tests.stories.action.conftest import PERMISSIONS, Demo
from tests.stories.action.test_settle import ENDS, SLEEPS, killed, run_of, watch
from tests.teller import eventually
from tests.workflow import REPOSITORY, Ended, Job, ended_at_last

FINE = """echo started; sleep 1; echo '{"title": "It is fine"}' > "$AUTOMATION_RESULT"; echo fine"""
LIMITED: dict[str, Any] = {"status": 403, "headers": {"retry-after": "300"}, "times": None}
"""Longer than anybody waits for."""
HALF = MAX_COMMITS // 2


def no_trace(*ended: Ended) -> None:
    for each in ended:
        assert "Traceback" not in each.log, each.log[-2000:]


def concluding(demo: Demo, sha: str) -> list[str]:
    """The conclusions that were written to the one check run of a commit."""
    return [write["conclusion"] for write in demo.check(sha).writes if write.get("status") == "completed"]


async def untold(demo: Demo) -> tuple[str, Job, str]:
    """A run that succeeded while GitHub took no conclusion: its commit, its job and its run id."""
    sha = demo.automation(FINE)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        demo.github.fault("PATCH", r"/check-runs/", **LIMITED)
        ended = await step.ends(within=30)
    no_trace(ended)
    assert (*ended.verdict, ended.code) == ("success", "ok", 0), ended.log
    assert ended.outputs["exit-code"] == "0"
    assert ended.log.count("GitHub could not be told") == 1
    assert "It is fine" in ended.outputs["result"]
    assert demo.check(sha).status == "in_progress"
    [run_id] = demo.runs()
    assert ended.outputs["run-id"] == run_id
    assert job.state.exists()
    return sha, job, run_id


async def test_the_record_stays_until_github_knows(demo: Demo) -> None:
    sha, job, _ = await untold(demo)
    demo.github.clear_faults()
    settled = await job.settle(automation="review")
    no_trace(settled)
    assert settled.code == 0
    check = demo.check(sha).is_("success")
    assert check.title == "It is fine"
    assert "fine" in (check.text or "")
    assert demo.runs() == []
    assert not job.state.exists()


async def test_a_success_that_nobody_could_tell_is_told_by_the_watchdog(demo: Demo) -> None:
    sha, job, run_id = await untold(demo)
    settled = await job.settle(automation="review")
    no_trace(settled)
    assert (settled.code, demo.check(sha).status) == (0, "in_progress")
    assert demo.runs() == [run_id], "the server's record is all that there is"
    assert job.state.exists()
    demo.github.clear_faults()
    run_of(demo, job.run_id).complete("success")
    passed = await watch(demo)
    no_trace(passed)
    assert passed.code == 0, passed.log
    assert demo.check(sha).is_("success").title == "It is fine"
    assert demo.runs() == []


async def test_a_conclusion_that_the_watchdog_could_not_write_is_written_in_its_next_pass(demo: Demo) -> None:
    sha, job = await killed(demo, ENDS)
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    run_of(demo, job.run_id).complete("failure")
    demo.github.fault("PATCH", r"/check-runs/", **LIMITED)
    first = await watch(demo)
    assert (first.code, demo.check(sha).status) == (0, "in_progress")
    assert demo.runs() == [run_id]
    demo.github.clear_faults()
    second = await watch(demo)
    no_trace(first, second)
    assert demo.check(sha).is_("failure").title == "It is done"
    assert demo.runs() == []


HOSTILE_CLAIMS = {
    "not of its form": "echo 'start 999999 0 b x 0' > ../claim.x; mv -f ../claim.x ../claim",
    "no text": r"printf '\377\376\200=\n\0start' > ../claim.x; mv -f ../claim.x ../claim",
    "a directory": "rm -f ../claim; mkdir ../claim",
    "a pipe": "rm -f ../claim; mkfifo ../claim",
    "of a run that never starts": "rm -f ../claim; echo stop > ../claim",
    "without end": "truncate -s 300G ../claim.x; mv -f ../claim.x ../claim",
    "with a group without end": "truncate -s 300G ../group.x; mv -f ../group.x ../group",
    "beside a status that is none": "mkdir ../status.json",
    "none": "rm -f ../claim ../group",
}


@pytest.mark.parametrize("hostile", HOSTILE_CLAIMS.values(), ids=HOSTILE_CLAIMS)
async def test_a_claim_that_a_run_made_nonsense_of_is_settled(demo: Demo, hostile: str) -> None:
    sha, job = await killed(demo, f"{hostile}; {SLEEPS}")
    [run_id] = demo.runs()
    settled = await job.settle(automation="review")
    no_trace(settled)
    assert settled.code == 0, settled.log
    assert demo.check(sha).status == "completed"
    assert demo.server.processes(run_id) == []
    assert demo.runs() == []


@pytest.mark.parametrize("hostile", HOSTILE_CLAIMS.values(), ids=HOSTILE_CLAIMS)
async def test_a_claim_that_a_run_made_nonsense_of_does_not_keep_the_watchdog_from_the_next(
    demo: Demo, hostile: str
) -> None:
    behind, second = await killed(demo, ENDS)
    [ended] = demo.runs()
    await eventually((demo.server.runs / ended / "status.json").exists)
    sha, first = await killed(demo, f"{hostile}; {SLEEPS}")
    [run_id] = set(demo.runs()) - {ended}
    for job in (first, second):
        run_of(demo, job.run_id).complete("cancelled")
    passed = await watch(demo)
    no_trace(passed)
    assert passed.code == 0, passed.log
    looked_at = [each.path for each in demo.github.requests if each.path.endswith("/check-runs")]
    assert next(sha in path for path in looked_at if sha in path or behind in path), (
        "the hostile one is first"
    )
    demo.check(behind).is_("failure")
    assert demo.check(sha).status == "completed", passed.log
    assert demo.server.processes(run_id) == []
    assert demo.runs() == []


HUGE = "echo started; truncate -s 300G ../output.log; "


async def test_output_that_was_blown_up_is_not_all_fetched(demo: Demo) -> None:
    sha = demo.automation(HUGE + "sleep 306")
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        began = time.monotonic()
        ended = await step.ends(within=60)
    no_trace(ended)
    assert time.monotonic() - began < 45
    assert (*ended.verdict, ended.code) == ("failure", "output-limit", 1), ended.log[-2000:]
    demo.check(sha).is_("failure")
    assert demo.runs() == []


async def test_output_that_was_blown_up_does_not_hold_up_what_settles_a_killed_runner(demo: Demo) -> None:
    sha, job = await killed(demo, HUGE + "set -- $(cat ../claim); kill -9 $2; sleep 307")
    began = time.monotonic()
    settled = await job.settle(automation="review")
    no_trace(settled)
    assert time.monotonic() - began < 45
    assert settled.code == 0
    assert settled.verdict[0] in {"failure", "cancelled"}
    assert demo.check(sha).status == "completed"
    assert demo.server.processes(settled.outputs["run-id"]) == []
    assert demo.runs() == []


@pytest.mark.parametrize("fault", [{"status": 422}, {"status": 404}, {"status": 200, "body": []}])
async def test_a_commit_that_github_has_no_list_for_does_not_keep_the_watchdog_from_the_others(
    demo: Demo, fault: dict[str, Any]
) -> None:
    sha, job = await killed(demo, ENDS)
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    run_of(demo, job.run_id).complete("failure")
    gone = demo.checkout.commit("Gone")
    demo.repository.workflow_run(9001, head_sha=gone, event="push")
    met = demo.github.fault("GET", f"/commits/{gone}/check-runs", times=None, **fault)
    passed = await watch(demo)
    no_trace(passed)
    assert (passed.code, met.hits > 0) == (0, True), passed.log
    assert gone in passed.log, "it is said"
    demo.check(sha).is_("failure")
    assert demo.runs() == []


def app_of(github: FakeGitHub, demo: Demo) -> dict[str, Any]:
    app = github.app("our-app", PERMISSIONS)
    demo.repository  # noqa: B018  # it has to be there to be installed on
    app.install(REPOSITORY)
    return {"app_id": app.id, "private_key": app.private_key}


ODD = {
    "infinite": '{"id": 1e999, "permissions": {"checks": "write"}}',
    "no id": '{"id": null, "permissions": {"checks": "write"}}',
    "a list": "[]",
    "a text": '"x"',
    "permissions of no form": '{"id": 1, "permissions": 1}',
    "too deep": "[" * 5000,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_answer_to_an_app_does_not_cost_the_verdict(
    demo: Demo, github: FakeGitHub, odd: str
) -> None:
    sha = demo.automation("echo hi; sleep 1; exit 3")
    fault = github.fault("GET", r"/installation$", status=200, body=odd)
    ended = await demo.job(sha).run("review", **app_of(github, demo))
    no_trace(ended)
    assert fault.hits == 1
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1), ended.log
    assert ended.outputs["exit-code"] == "3"
    demo.check(sha).is_("failure")


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_odd_answers_without_end_are_given_up(demo: Demo, github: FakeGitHub, odd: str) -> None:
    app = app_of(github, demo)
    github.fault("GET", r"/installation$", status=200, body=odd, times=None)
    client = GitHub(github.url, REPOSITORY, AppTokens(app["app_id"], app["private_key"]), patience=1)
    with pytest.raises(GitHubUnavailable):
        await Checks(client).read(1)
    client.close()


async def test_github_that_drips_is_given_up_in_bounded_time() -> None:
    """Each byte comes in time, and the answer never ends: the time-out of a silence is not enough."""
    new = NewCheck("review", "a" * 40, "x", "http://127.0.0.1:1/")
    report = Report("Starting", "", "")
    async with dripping() as url:
        github = GitHub(url, REPOSITORY, GivenToken("ghs_x"), patience=1, timeout=1)
        began = time.monotonic()
        with pytest.raises(GitHubUnavailable, match="did not end its answer to POST"):
            await Checks(github).open(new, report)
        with pytest.raises(GitHubUnavailable, match="did not end its answer to GET"):
            await Checks(github).open(new, report, looks=True)
        assert time.monotonic() - began < 20
        github.close()


@pytest.mark.parametrize("method", ["POST", "*"], ids=["creating only", "looking, too"])
async def test_interrupted_while_a_refusal_is_reported_the_refusal_stands(demo: Demo, method: str) -> None:
    sha = demo.automation("echo hi", timeout="nonsense")
    fault = demo.github.fault(method, r"/check-runs$", status=502, times=None)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await eventually(lambda: fault.hits >= 2, within=30)
        began = time.monotonic()
        step.signal(signal.SIGINT)
        ended = await step.ends(within=60)
    no_trace(ended)
    assert time.monotonic() - began < 10
    assert ended.code in {2, 130}, ended.log
    assert ended.verdict in {("failure", "bad-config"), ("cancelled", "cancelled")}
    assert ended.summary
    demo.github.clear_faults()
    settled = await job.settle(automation="review")
    no_trace(settled)
    demo.check(sha).is_(ended.verdict[0])


@pytest.mark.parametrize("slow", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("before", [0.0, 0.4])
async def test_interrupted_at_a_natural_end_there_is_one_conclusion(
    demo: Demo, slow: float, before: float
) -> None:
    sha = demo.automation("echo started; sleep 1; echo 'that is all'")
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        demo.github.fault("PATCH", r"/check-runs/", delay=slow, times=None)
        await step.says("that is all")
        await asyncio.sleep(before)
        step.signal(signal.SIGINT)
        ended = await step.ends(within=20)
    no_trace(ended)
    assert concluding(demo, sha) == [ended.verdict[0]], ended.log
    assert ended.verdict[0] in {"success", "cancelled"}


async def test_an_end_that_is_told_early_is_not_told_again(demo: Demo) -> None:
    """The run's true end comes while the early word is still on its way."""
    sha = demo.automation("trap '' TERM; echo started; while :; do sleep 0.2; done")
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        demo.github.fault("PATCH", r"/check-runs/", delay=2.5, times=None)
        step.signal(signal.SIGINT)
        ended = await step.ends(within=20)
    no_trace(ended)
    assert (*ended.verdict, ended.code) == ("cancelled", "cancelled", 130)
    assert concluding(demo, sha) == ["cancelled"], ended.log


def list_lags_behind(demo: Demo, sha: str) -> None:
    """A check run is made, its answer is lost, and the next list does not have it yet."""
    demo.github.fault("POST", r"/check-runs$", status=502, after_effect=True)
    empty = {"total_count": 0, "check_runs": []}
    demo.github.fault("GET", rf"/commits/{sha}/check-runs", status=200, body=empty)


def twins(demo: Demo, sha: str) -> list[tuple[str, str | None]]:
    """How both check runs of one run stand."""
    checks = demo.repository.checks(sha)
    assert len(checks) == 2, [each.name for each in checks]
    assert len({each.external_id for each in checks}) == 1
    return [(each.status, each.conclusion) for each in checks]


async def test_a_second_check_run_that_a_late_list_has_made_ends_as_the_first(demo: Demo) -> None:
    sha = demo.automation("echo started; sleep 2; exit 3")
    list_lags_behind(demo, sha)
    ended = await demo.job(sha).run("review")
    no_trace(ended)
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1), ended.log
    assert twins(demo, sha) == [("completed", "failure")] * 2


@pytest.mark.parametrize("settles", [True, False], ids=["settled", "job gone"])
async def test_a_second_check_run_of_a_killed_step_ends_as_the_first(demo: Demo, settles: bool) -> None:
    sha = demo.automation("echo started; sleep 3; exit 3")
    list_lags_behind(demo, sha)
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review")) as step:
        await step.says("started")
        await eventually(lambda: len(demo.repository.checks(sha)) == 2)
        await eventually(lambda: bool(json.loads(job.state.read_text())["check_id"]))
        step.kill()
        await step.ends()
    [run_id] = demo.runs()
    await eventually((demo.server.runs / run_id / "status.json").exists)
    if settles:
        no_trace(await job.settle(automation="review"))
    run_of(demo, job.run_id).complete("failure")
    passed = await watch(demo)
    no_trace(passed)
    assert passed.code == 0, passed.log
    assert twins(demo, sha) == [("completed", "failure")] * 2, passed.log
    assert demo.runs() == []


@pytest.mark.parametrize("name", ["", "somewhere"])
async def test_where_the_job_has_no_name_no_check_is_named_like_it(demo: Demo, name: str) -> None:
    sha = demo.automation("echo hi")
    job = demo.job(sha, environment={"GITHUB_JOB": ""})
    ended = await job.run("review", check_name=name)
    assert (*ended.verdict, ended.code) == ("success", "ok", 0), ended.log
    assert demo.check(sha).is_("success").name == (name or "review")


def commits(count: int) -> list[str]:
    return [f"{n:040x}" for n in range(count)]


@pytest.mark.parametrize(
    ("count", "quarter", "expected"),
    [
        (0, 0, []),
        (1, 7, [0]),
        (HALF, 7, range(HALF)),
        (MAX_COMMITS, 0, range(MAX_COMMITS)),
        (MAX_COMMITS + HALF, 0, range(MAX_COMMITS)),
        (MAX_COMMITS + HALF, 1, [*range(HALF), *range(MAX_COMMITS, MAX_COMMITS + HALF)]),
        (MAX_COMMITS + HALF, 2, range(MAX_COMMITS)),
        (MAX_COMMITS + 1, 1, [*range(HALF), MAX_COMMITS, *range(HALF, MAX_COMMITS - 1)]),
    ],
)
def test_a_pass_takes_the_likeliest_commits_and_a_part_of_the_others(
    count: int, quarter: int, expected: list[int]
) -> None:
    there = commits(count)
    for now in (quarter * QUARTER, quarter * QUARTER + QUARTER - 0.5):
        assert chosen(there, now) == [there[n] for n in expected]


@given(count=st.integers(0, 1000), began=st.floats(0, 1e11))
def test_every_commit_comes_within_a_bounded_number_of_quarters(count: int, began: float) -> None:
    there = commits(count)
    passes = max(-(-(count - HALF) // HALF), 1)
    seen: set[str] = set()
    for n in range(passes):
        taken = chosen(there, began + n * QUARTER)
        assert len(taken) == len(set(taken)) <= MAX_COMMITS
        assert taken[:HALF] == there[:HALF]
        assert set(taken) <= set(there)
        seen |= set(taken)
    assert seen == set(there)


async def test_a_runner_without_room_is_told_on_the_check(demo: Demo, tmp_path: Path) -> None:
    sha = demo.automation(FINE)
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(tmp_path / "disk"))
        except PermissionError:
            pytest.skip("no file system may be mounted")
        disk.fill(os.getpid())
        ended = await demo.job(sha, environment={"RUNNER_TEMP": str(disk.directory)}).run("review")
    no_trace(ended)
    assert (*ended.verdict, ended.code) == ("failure", "internal-error", 3), ended.log
    assert "defect" not in ended.log
    assert f"nothing can be written to {disk.directory}" in ended.log
    assert "No space left on device" in (demo.check(sha).is_("failure").summary or "")
