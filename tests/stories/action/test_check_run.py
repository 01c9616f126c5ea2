"""One check run, whatever GitHub does: lost answers, limits, expired tokens, silence, other people's checks."""

import asyncio
from typing import Any

import pytest

from tests.fakes.github.server import FakeGitHub
from tests.stories.action.conftest import PERMISSIONS, Demo
from tests.teller import eventually
from tests.workflow import REPOSITORY, ended_at_last

CREATE = r"/check-runs$"
CHANGE = r"/check-runs/\d+$"


async def test_the_check_run_is_there_while_the_run_goes_on_and_is_edited_at_a_bounded_rate(
    demo: Demo,
) -> None:
    sha = demo.automation('for i in $(seq 1 170); do echo "line $i"; sleep 0.1; done')
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await step.says("line 20")
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        assert demo.check(sha).status == "in_progress"
        ended = await step.ends()
    assert ended.code == 0
    check = demo.check(sha)
    check.is_("success")
    # 17 s of output that never stands still: one edit after 15 s, and the conclusion.
    assert len(check.writes) == 3
    assert "line 100" in check.writes[1]["output"]["text"]
    assert all("status" not in write for write in check.writes[1:-1]), "an edit cannot reopen it"


@pytest.mark.parametrize("status", [500, 502])
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize(("method", "path"), [("POST", CREATE), ("PATCH", CHANGE)])
async def test_an_answer_that_is_an_error_or_is_lost_makes_one_check_run(
    demo: Demo, method: str, path: str, status: int, after_effect: bool
) -> None:
    remarks = [{"path": "a", "start_line": n + 1, "message": f"m{n}"} for n in range(3)]
    sha = demo.automation(
        f"cat > $AUTOMATION_RESULT <<'END'\n{{\"annotations\": {str(remarks).replace(chr(39), chr(34))}}}\nEND"
    )
    demo.github.fault(method, path, status=status, after_effect=after_effect)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    check = demo.check(sha)
    check.is_("success")
    assert [each["message"] for each in check.annotations] == ["m0", "m1", "m2"]


@pytest.mark.parametrize(("method", "path"), [("POST", CREATE), ("PATCH", CHANGE)])
async def test_a_connection_that_breaks_after_the_effect_makes_one_check_run(
    demo: Demo, method: str, path: str
) -> None:
    sha = demo.automation("echo hi")
    demo.github.fault(method, path, drop=True, after_effect=True)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    demo.check(sha).is_("success")


async def test_a_time_out_after_the_write_took_effect_makes_one_check_run(demo: Demo) -> None:
    sha = demo.automation("echo hi")
    demo.github.fault("POST", CREATE, after_effect=True, delay=17)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    demo.check(sha).is_("success")


@pytest.mark.parametrize("status", [403, 429])
async def test_a_limit_is_waited_for_as_long_as_github_says(demo: Demo, status: int) -> None:
    sha = demo.automation("echo hi")
    said = {"message": "You have exceeded a secondary rate limit."}
    fault = demo.github.fault("POST", CREATE, status=status, headers={"retry-after": "2"}, body=said)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    demo.check(sha).is_("success")
    created = [each.at for each in demo.github.requests if each.method == "POST"]
    assert fault.hits == 1
    assert created[1] - created[0] >= 2


async def test_a_job_token_that_is_revoked_in_the_middle_leaves_summary_and_exit_code(demo: Demo) -> None:
    sha = demo.automation("echo hi; sleep 5; exit 3")
    demo.repository  # noqa: B018
    token = demo.github.job_token(REPOSITORY, run_id=1, permissions=PERMISSIONS)
    with ended_at_last(demo.job(sha, token=token.value).start(automation="review")) as step:
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        token.expire()
        ended = await step.ends()
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1)
    assert ended.log.count("GitHub could not be told") == 1
    assert "`exit-code`" in ended.summary
    assert demo.check(sha).status == "in_progress", "which is what the watchdog is for"


def app_of(github: FakeGitHub, demo: Demo) -> dict[str, Any]:
    app = github.app("our-app", PERMISSIONS)
    demo.repository  # noqa: B018  # it has to be there to be installed on
    app.install(REPOSITORY)
    return {"app_id": app.id, "private_key": app.private_key}


async def test_an_app_writes_its_own_check_run_with_its_own_link(demo: Demo, github: FakeGitHub) -> None:
    sha = demo.automation("echo hi")
    ended = await demo.job(sha).run("review", **app_of(github, demo))
    assert ended.code == 0, ended.log
    check = demo.check(sha)
    assert (check.app_slug, check.conclusion) == ("our-app", "success")
    assert check.details_url.endswith("/actions/runs/4242")
    [minted] = [each.json for each in github.requests if each.path.endswith("/access_tokens")]
    assert minted["repositories"] == ["demo"]
    assert minted["permissions"]["checks"] == "write"
    assert set(minted["permissions"]) <= set(PERMISSIONS)


async def test_an_apps_token_that_expires_in_the_middle_is_renewed(demo: Demo, github: FakeGitHub) -> None:
    sha = demo.automation("echo hi; sleep 5; echo bye")
    job = demo.job(sha)
    with ended_at_last(job.start(automation="review", **app_of(github, demo))) as step:
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        [installed] = [each for each in github.world.tokens.values() if not each.is_job_token]
        installed.expire()
        ended = await step.ends()
    assert ended.code == 0, ended.log
    demo.check(sha).is_("success")


async def test_an_app_that_is_not_installed_is_said_and_the_run_goes_on(
    demo: Demo, github: FakeGitHub
) -> None:
    sha = demo.automation("exit 3")
    app = github.app("elsewhere", PERMISSIONS)
    ended = await demo.job(sha).run("review", app_id=app.id, private_key=app.private_key)
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1)
    assert "installed" in ended.log


async def test_github_down_for_good_leaves_summary_exit_code_and_one_sentence(demo: Demo) -> None:
    sha = demo.automation("echo hi; exit 3")
    job = demo.job(sha)
    demo.github.fault("*", r".*", status=503, times=None)
    ended = await job.run("review", within=100)
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1)
    assert ended.log.count("GitHub could not be told") == 1
    assert "`exit-code`" in ended.summary
    assert job.state.exists(), "the settling step tries once more"
    demo.github.clear_faults()
    settled = await job.settle(automation="review")
    assert settled.code == 0
    assert settled.outputs == {}, "the step has written them"
    assert demo.check(sha).conclusion == "failure"
    assert not job.state.exists()
    assert demo.runs() == []


async def test_other_peoples_check_runs_stay_as_they_are(demo: Demo) -> None:
    sha = demo.automation("echo hi", name="review")
    foreign = demo.repository.foreign_check("review", sha, app="other-app", external_id="x")
    ours = await demo.job(sha).run("review")
    again = await demo.job(sha, attempt=2).run("review")
    assert ours.code == again.code == 0
    names = [(each.name, each.app_slug, each.status) for each in demo.repository.checks(sha)]
    assert names == [
        ("review", "other-app", foreign.status),
        ("review", "github-actions", "completed"),
        ("review", "github-actions", "completed"),
    ]
    assert ours.outputs["check-run-id"] != again.outputs["check-run-id"], "a re-run is a new check run"


async def test_a_check_run_that_somebody_has_completed_is_left_as_it_is(demo: Demo) -> None:
    sha = demo.automation("echo hi; sleep 5; echo bye")
    with ended_at_last(demo.job(sha).start(automation="review")) as step:
        await eventually(lambda: len(demo.repository.checks(sha)) == 1)
        await asyncio.to_thread(complete, demo, demo.check(sha).id)
        ended = await step.ends()
    assert ended.code == 0
    assert demo.check(sha).conclusion == "cancelled"
    assert "left as it is" in ended.log


def complete(demo: Demo, check_id: int) -> None:
    import httpx  # noqa: PLC0415

    token = demo.github.job_token(REPOSITORY, run_id=1, permissions=PERMISSIONS)
    answer = httpx.patch(
        f"{demo.github.url}/repos/{REPOSITORY}/check-runs/{check_id}",
        headers={"Authorization": f"Bearer {token.value}"},
        json={"status": "completed", "conclusion": "cancelled"},
        trust_env=False,
    )
    assert answer.status_code == 200


async def test_many_annotations_come_in_batches(demo: Demo) -> None:
    write = """python3 - <<'END'
import json, os
json.dump({"annotations": [{"path": "a", "start_line": n + 1, "message": f"m{n}"} for n in range(120)]},
          open(os.environ["AUTOMATION_RESULT"], "w"))
END"""
    sha = demo.automation(write)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    check = demo.check(sha)
    assert [each["message"] for each in check.annotations] == [f"m{n}" for n in range(120)]
    assert len([line for line in ended.log.splitlines() if line.startswith("::warning")]) == 10


async def test_no_token_at_all_is_said_and_the_run_goes_on(demo: Demo) -> None:
    sha = demo.automation("exit 3")
    ended = await demo.job(sha, token="").run("review")
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1)
    assert "github-token" in ended.log
    assert demo.github.requests == []
