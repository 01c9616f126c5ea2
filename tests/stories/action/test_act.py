"""The Action in whole workflows: set up from nothing, live, with a check run on the right commit."""

import json
from pathlib import Path

import pytest

from tests.act import Act, Workflow, copy_action, make_workspace
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.action.conftest import PERMISSIONS
from tests.workflow import REPOSITORY

pytestmark = [pytest.mark.xdist_group("act"), pytest.mark.timeout(300)]

SECRET = "a-planted-secret-4711"
WORKFLOW = """
on: [push, pull_request]
jobs:
  automations:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: it
        uses: {uses}
        with:
          automation: review
          agent-server-url: {url}
          agent-server-api-key: {key}
          secrets: '{{"API_KEY": "{secret}"}}'
          fail-on: {fail_on}
      - id: after
        if: always()
        run: echo "conclusion=${{{{ steps.it.outputs.conclusion }}}} reason=${{{{ steps.it.outputs.reason }}}} outcome=${{{{ steps.it.outcome }}}}"
"""
MAIN = """echo first; sleep 2; echo second; echo "::error::forged $API_KEY"
echo '{"title": "Done", "annotations": [{"path": "a.py", "start_line": 2, "message": "look here"}]}' > "$AUTOMATION_RESULT"
exit ${CODE:-0}
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runner's directory; its tool cache is empty for the first story only."""
    return tmp_path_factory.mktemp("machine")


@pytest.fixture(scope="module")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_action(tmp_path_factory.mktemp("action"))


@pytest.fixture
def act(machine: Path, action: Path, github: FakeGitHub) -> Act:
    return Act(machine, action, github)


def workflow(server: RealServer, uses: str = "org/automation-action@v1", fail_on: str = "failure") -> str:
    return WORKFLOW.format(uses=uses, url=server.url, key=server.key, secret=SECRET, fail_on=fail_on)


async def run(act: Act, workspace: Path, sha: str, kill_at: str = "") -> Workflow:
    repository = act.github.repository(REPOSITORY, git=workspace)
    repository.workflow_run(4242, head_sha=sha)
    token = act.github.job_token(REPOSITORY, run_id=4242, permissions=PERMISSIONS)
    return await act.run(workspace, "push", {}, token.value, kill_at=kill_at)


@pytest.mark.parametrize("uses", ["org/automation-action@v1", "./"])
async def test_a_workflow_reports_a_completed_check_run(
    act: Act, server: RealServer, tmp_path: Path, uses: str
) -> None:
    workspace = tmp_path / "workspace"
    if uses == "./":
        copy_action(workspace)
        (workspace / ".github/workflows").rename(tmp_path / "others")
    sha = make_workspace(workspace, workflow(server, uses), MAIN)
    ran = await run(act, workspace, sha)

    assert ran.code == 0, ran.printed
    [check] = act.github.world.repositories[REPOSITORY].checks(sha)
    check.is_("success")
    assert (check.name, check.title) == ("Review", "Done")
    assert [each["message"] for each in check.annotations] == ["look here"]
    outputs = ran.outputs("it")
    assert (outputs["conclusion"], outputs["reason"], outputs["exit-code"]) == ("success", "ok", "0")
    assert outputs["check-run-id"] == str(check.id)
    assert json.loads(outputs["result"])["title"] == "Done"
    assert "conclusion=success reason=ok outcome=success" in ran.printed
    [summary] = [said["content"] for said in ran.commands("summary") if said["content"].strip()]
    assert "(`ok`)" in summary
    [warning] = ran.commands("warning")
    assert (warning["arg"], warning["kvPairs"]["file"]) == ("look here", "a.py")
    assert ran.commands("error") == [], "what an automation prints stays print"
    assert ran.first("second").at - ran.first("first").at > 1, "the log is live"
    said = [line.said for line in ran.lines if line.said.get("command") != "add-mask"]
    everything = json.dumps(said) + "".join(each.body.decode() for each in act.github.requests)
    assert SECRET not in everything
    assert server.key not in everything


@pytest.mark.parametrize(("fail_on", "code", "outcome"), [("failure", 1, "failure"), ("never", 0, "success")])
async def test_a_failing_run_fails_the_job_unless_it_is_not_to(
    act: Act, server: RealServer, tmp_path: Path, fail_on: str, code: int, outcome: str
) -> None:
    sha = make_workspace(tmp_path / "workspace", workflow(server, fail_on=fail_on), "CODE=3\n" + MAIN)
    ran = await run(act, tmp_path / "workspace", sha)
    assert ran.code == code, ran.printed
    assert f"conclusion=failure reason=exit-code outcome={outcome}" in ran.printed
    [check] = act.github.world.repositories[REPOSITORY].checks(sha)
    assert check.conclusion == "failure"
    shown = [said["kvPairs"].get("title", "") for said in ran.commands("error" if code else "warning")]
    assert "Review: exit-code" in shown


async def test_a_step_that_is_killed_is_settled_by_the_step_after_it(
    act: Act, server: RealServer, tmp_path: Path
) -> None:
    sha = make_workspace(tmp_path / "workspace", workflow(server), "echo it has begun; sleep 305\n")
    before = server.directories()
    ran = await run(act, tmp_path / "workspace", sha, kill_at="it has begun")
    [check] = act.github.world.repositories[REPOSITORY].checks(sha)
    check.is_("cancelled")
    assert "it has begun" in (check.text or "")
    assert ran.outputs("it")["conclusion"] == "cancelled"
    assert server.directories() == before
    assert server.processes("sleep 305") == []
