"""action.yml keeps the names that workflows rely on, and lets nothing of a job into its scripts but by the environment."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load(TEXT)
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in ACTION["runs"]["steps"]}
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")

INPUTS = [
    "automation",
    "agent-server-url",
    "agent-server-api-key",
    "cloud-api-url",
    "openhands-api-key",
    "backend",
    "github-token",
    "app-id",
    "private-key",
    "check-name",
    "sha",
    "pr",
    "inputs",
    "env",
    "secrets",
    "timeout",
    "automations-path",
    "working-directory",
    "fail-on",
    "keep",
    "mode",
]
OUTPUTS = [
    "run-id",
    "conclusion",
    "reason",
    "exit-code",
    "check-run-id",
    "check-run-url",
    "duration",
    "summary",
    "result",
    "sandbox-id",
]


def test_the_inputs_are_those_that_workflows_rely_on() -> None:
    assert list(ACTION["inputs"]) == INPUTS


def test_the_outputs_are_those_that_workflows_rely_on() -> None:
    assert list(ACTION["outputs"]) == OUTPUTS


def test_the_defaults() -> None:
    defaults = {name: given["default"] for name, given in ACTION["inputs"].items() if "default" in given}
    assert defaults == {
        "github-token": "${{ github.token }}",
        "fail-on": "failure",
        "keep": "false",
        "mode": "run",
    }


def test_nothing_is_required_because_a_watchdog_needs_no_automation() -> None:
    assert not any(given.get("required") for given in ACTION["inputs"].values())


@pytest.mark.parametrize("of", ["inputs", "outputs"])
def test_each_is_described_in_one_line(of: str) -> None:
    for name, given in ACTION[of].items():
        assert re.fullmatch(r"[^\n]{10,200}\.", given["description"]), name


def test_the_marketplace_has_room_for_it() -> None:
    assert ACTION["name"]
    assert len(ACTION["description"]) <= 125
    assert set(ACTION["branding"]) == {"icon", "color"}


def test_an_output_is_what_the_settling_step_says_and_otherwise_the_running_one() -> None:
    for name, given in ACTION["outputs"].items():
        assert given["value"] == f"${{{{ steps.settle.outputs.{name} || steps.run.outputs.{name} }}}}"
    assert list(STEPS) == ["setup", "run", "settle"]


def test_every_expression_names_what_there_is() -> None:
    """Nobody else would say so: of a misspelt name GitHub makes an empty text."""
    script = (ROOT / "src/automation/action/setup.sh").read_text(encoding="utf-8")
    written = {"setup": set(re.findall(r'echo "(\w+)=', script)), "run": set(OUTPUTS), "settle": set(OUTPUTS)}
    expressions = EXPRESSION.findall(TEXT) + [str(step.get("if", "")) for step in STEPS.values()]
    for expression in expressions:
        for name in re.findall(r"inputs\.([\w-]+)", expression):
            assert name in INPUTS
        for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
            assert output in written[step]
        contexts = set(re.findall(r"\b([a-z]+)\.", expression))
        assert contexts <= {"inputs", "steps", "github", "job", "outputs", "settle", "run", "setup"}


def test_no_script_has_an_expression_in_it() -> None:
    for step in STEPS.values():
        assert "${{" not in step["run"]


def test_no_step_uses_another_action() -> None:
    assert not any("uses" in step for step in STEPS.values())


def test_every_step_is_bash_and_reads_no_start_up_file_of_the_job() -> None:
    for step in STEPS.values():
        assert step["shell"] == "bash"
        assert step["env"]["BASH_ENV"] == ""


@pytest.mark.parametrize("step", ["run", "settle"])
def test_every_input_reaches_the_program_by_its_name(step: str) -> None:
    given = {name: value for name, value in STEPS[step]["env"].items() if name.startswith("INPUT_")}
    assert given == {
        f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in INPUTS
    }


def test_the_step_that_installs_sees_no_secret() -> None:
    assert STEPS["setup"]["env"] == {"BASH_ENV": "", "INPUT_BACKEND": "${{ inputs.backend }}"}


def test_it_finds_itself_in_a_container_too() -> None:
    """There `github.action_path` is the host's path: actions/runner#716 and #2185."""
    assert "github.action_path }}" not in TEXT
    assert "$GITHUB_ACTION_PATH/src/automation/action/setup.sh" in STEPS["setup"]["run"]


def test_settling_happens_whatever_became_of_the_run() -> None:
    assert STEPS["settle"]["if"] == "always() && steps.setup.outputs.state != ''"
    assert "if" not in STEPS["run"]
    assert not any("continue-on-error" in step for step in STEPS.values())


# --- the scripts ---


@pytest.fixture
def step(tmp_path: Path) -> "Step":
    return Step(tmp_path)


class Step:
    """A step's script as the runner starts it, with a Python that only says what it was given."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state.json"
        self._python = directory / "python"
        self._python.write_text('#!/bin/sh\necho "process $$"\necho "arguments $*"\nexec env\n')
        self._python.chmod(0o755)

    def runs(self, name: str) -> tuple[int, list[str], int]:
        """Its exit code, what it said, and the id of its process."""
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", STEPS[name]["run"]],
            env={
                "PATH": os.environ["PATH"],
                "AUTOMATION_ACTION_PYTHON": str(self._python),
                "AUTOMATION_ACTION_SOURCE": "/the action/src",
                "AUTOMATION_ACTION_STATE": str(self.state),
                "PYTHONHOME": "/nowhere",
                "PYTHONPATH": ".",
                "PYTHONWARNINGS": "error",
                "KEPT": "yes",
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        said, _ = process.communicate(timeout=30)
        return process.returncode, said.splitlines(), process.pid


@pytest.mark.parametrize("name", ["run", "settle"])
def test_the_runners_signals_reach_the_program(step: Step, name: str) -> None:
    """It takes the place of the shell that the runner has started."""
    step.state.touch()
    code, said, process = step.runs(name)
    assert code == 0
    assert said[:2] == [f"process {process}", f"arguments -P -m automation action {name}"]


@pytest.mark.parametrize("name", ["run", "settle"])
def test_the_program_has_no_python_settings_but_ours(step: Step, name: str) -> None:
    step.state.touch()
    _, said, _ = step.runs(name)
    assert "KEPT=yes" in said
    assert sorted(line for line in said if line.startswith("PYTHON")) == [
        "PYTHONPATH=/the action/src",
        "PYTHONSAFEPATH=1",
        "PYTHONUNBUFFERED=1",
        "PYTHONUTF8=1",
    ]


def test_where_there_is_no_state_settling_starts_nothing(step: Step) -> None:
    assert step.runs("settle")[:2] == (0, [])
