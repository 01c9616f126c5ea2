"""Each verdict through the Action: check run, outputs, annotation and exit code, for both values of `fail-on`."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.servers import RealServer
from tests.stories.action.conftest import Demo
from tests.workflow import Ended, ended_at_last

RESULT = """cat > "$AUTOMATION_RESULT" <<'END'
%s
END
"""
FORGE = """run=$(basename "$(cd .. && pwd)")
status=$(printf '{"version":1,"run":"%s","cause":"exited","phase":"entrypoint","exit_code":0,"started":1,"ended":2,"milliseconds":1000,"output":0,"result":false,"summary":false,"log":false,"left":false,"escaped":[]}' "$run")
kill -9 $PPID
echo "$status" > ../status.json
"""


@dataclass(frozen=True)
class Case:
    """How a run ends, and what has to be seen of it."""

    main: str
    conclusion: str
    reason: str
    code: int
    never: int = 0
    definition: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    exit_code: str = ""


CASES = {
    "ok": Case("echo fine", "success", "ok", 0, exit_code="0"),
    "exit-code": Case("echo 'error: bad luck'; exit 3", "failure", "exit-code", 1, exit_code="3"),
    "set-up": Case("exit 0", "failure", "exit-code", 1, exit_code="4"),
    "reported-failure": Case(
        RESULT % '{"conclusion": "failure", "title": "No"}', "failure", "reported", 1, exit_code="0"
    ),
    "reported-action": Case(
        RESULT % '{"conclusion": "action_required"}', "action_required", "reported", 1, exit_code="0"
    ),
    "no-result": Case(
        "echo done",
        "failure",
        "no-result",
        1,
        definition={"github": {"outputs": ["report"]}},
        exit_code="0",
    ),
    "timed-out": Case("sleep 60", "timed_out", "timed-out", 1, inputs={"timeout": 1}, exit_code="143"),
    "run-lost": Case("kill -9 $PPID; sleep 302", "failure", "run-lost", 3),
    "tampered": Case(FORGE, "failure", "tampered", 1),
    "bad-config": Case("exit 0", "failure", "bad-config", 2, 2, {"github": {"repositry": "none"}}),
    "bad-input": Case("exit 0", "failure", "bad-config", 2, 2, inputs={"inputs": "{colour: red}"}),
    "unreachable": Case(
        "exit 0",
        "failure",
        "server-lost",
        3,
        inputs={"agent_server_url": "http://127.0.0.1:9", "agent_server_api_key": "the-key-of-nobody"},
    ),
}


@pytest.mark.parametrize("fail_on", ["failure", "never"])
@pytest.mark.parametrize("name", CASES)
async def test_each_verdict(demo: Demo, name: str, fail_on: str) -> None:
    case = CASES[name]
    if name == "set-up":
        demo.checkout.write(".openhands/automations/review/setup.sh", "exit 4\n")
    sha = demo.automation(case.main, **case.definition)
    ended = await demo.job(sha).run("review", fail_on=fail_on, **case.inputs)

    expected = case.code if fail_on == "failure" else case.never
    assert (*ended.verdict, ended.code) == (case.conclusion, case.reason, expected), ended.log
    assert ended.outputs["exit-code"] == case.exit_code
    check = demo.check(sha)
    assert (check.status, check.conclusion, check.name) == ("completed", case.conclusion, "review")
    assert f"`{case.reason}`" in (check.summary or "")
    assert ended.outputs["check-run-id"] == str(check.id)
    assert ended.outputs["check-run-url"] == check.html_url
    assert f"(`{case.reason}`)" in ended.summary
    check_annotation(ended, case, expected)


def check_annotation(ended: Ended, case: Case, expected: int) -> None:
    """A verdict that is no success is an annotation, an error where the step is red."""
    level = "error" if expected else "warning"
    shown = [
        line for line in ended.log.splitlines() if line.startswith("::") and f"%3A {case.reason}::" in line
    ]
    assert [line.split(" ")[0] for line in shown] == ([] if case.reason == "ok" else [f"::{level}"])


async def test_a_definition_that_is_wrong_is_shown_where_it_is_wrong(demo: Demo) -> None:
    sha = demo.automation("exit 0", github={"repositry": "none"})
    ended = await demo.job(sha).run("review")
    file = ".openhands/automations/review/automation.yaml"
    [error] = [line for line in ended.errors if "file=" in line]
    assert f"file={file},line=" in error
    assert "did you mean" in error
    [annotation] = demo.check(sha).annotations
    assert annotation["path"] == file
    assert annotation["annotation_level"] == "failure"


async def test_results_become_outputs_and_annotations(demo: Demo) -> None:
    result = {
        "title": "Two remarks",
        "summary": "Have a *look*, @octocat.",
        "annotations": [
            {"path": "a.py", "start_line": 3, "message": "one: two", "annotation_level": "failure"},
            {"path": "b,c.py", "start_line": 1, "end_line": 2, "start_column": 4, "message": "50 %\nof it"},
        ],
        "outputs": {"report": {"files": 2}},
        "cost": 0.25,
    }
    sha = demo.automation(RESULT % json.dumps(result) + 'echo "## More" > "$AUTOMATION_SUMMARY"')
    ended = await demo.job(sha).run("review")
    assert ended.code == 0
    assert json.loads(ended.outputs["result"])["outputs"] == {"report": {"files": 2}}
    assert (
        "::error file=a.py,line=3,endLine=3::one: two" in ended.log
        or "::error file=a.py,line=3::one: two" in ended.log
    )
    assert "50 %25%0Aof it" in ended.log
    check = demo.check(sha)
    assert check.title == "Two remarks"
    assert [each["start_line"] for each in check.annotations] == [3, 1]
    assert "@octocat" not in (check.summary or "")
    assert "## More" in (check.summary or "")
    assert "cost $0.25" in (check.summary or "")


async def test_nothing_given_is_a_bad_configuration_with_a_check_run(demo: Demo) -> None:
    sha = demo.automation("exit 0")
    job = demo.job(sha, server=None)
    ended = await job.run("review")
    assert (*ended.verdict, ended.code) == ("failure", "bad-config", 2)
    assert "agent-server-url" in ended.errors[0]
    assert demo.check(sha).conclusion == "failure"


async def test_inputs_that_are_wrong_are_all_named(demo: Demo) -> None:
    sha = demo.automation("exit 0")
    ended = await demo.job(sha).run("", timeout="soon", keep="maybe", fail_on="always")
    assert (*ended.verdict, ended.code) == ("failure", "bad-config", 2)
    for name in ("automation", "timeout", "keep", "fail-on"):
        assert name in ended.errors[0]
    assert demo.repository.checks(sha) == []


@pytest.mark.parametrize(("fail_on", "code"), [("failure", 3), ("never", 0)])
async def test_a_server_that_is_lost_in_the_middle(
    demo_on: Callable[[RealServer], Demo], mortal: RealServer, fail_on: str, code: int
) -> None:
    demo = demo_on(mortal)
    sha = demo.automation("echo started; sleep 20")
    job = demo.job(sha, environment={"AUTOMATION_PATIENCE": "2"})
    try:
        with ended_at_last(job.start(automation="review", fail_on=fail_on)) as step:
            await step.says("started")
            mortal.kill_everything()
            ended = await step.ends()
    finally:
        await mortal.start()
    assert (*ended.verdict, ended.code) == ("failure", "server-lost", code)
    demo.check(sha).is_("failure")
    assert job.state.exists(), "the run may still be going on"


@pytest.mark.parametrize(("fail_on", "code"), [("failure", 1), ("never", 0)])
async def test_more_output_than_is_allowed(demo: Demo, fail_on: str, code: int) -> None:
    # Over the 256 MiB that a run of the Action may write, without writing them: the file's size is what counts.
    sha = demo.automation("echo started; truncate -s 300M ../output.log; sleep 20")
    ended = await demo.job(sha).run("review", fail_on=fail_on)
    assert (*ended.verdict, ended.code) == ("failure", "output-limit", code)
    demo.check(sha).is_("failure")
