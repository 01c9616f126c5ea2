"""The README says of the Action what the code does: inputs, outputs, events, forks, permissions, codes, figures, workflows."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from automation.action import due, ending, preparation, step, watchdog
from automation.action.backend_choice import PRIVILEGED_EVENTS
from automation.action.context import Context
from automation.action.gate import check_fork
from automation.action.inputs import FailOn, read_inputs
from automation.action.step_exit import step_exit_code
from automation.action.target import (
    COMMENT,
    FROM_THE_BASE,
    OF_A_PULL_REQUEST,
    Target,
    pull_request_to_read,
    target_of,
)
from automation.backends import BackendName
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import AutomationError, Misconfigured, Refused
from automation.github import check_output, client, pace
from automation.github.errors import GitHubUnavailable
from automation.github.pull_request import PullRequest
from automation.github.tokens import WANTED
from automation.reasons import Conclusion, Reason
from automation.report.live import SHOWN
from automation.run.conduct import STOP_WITHIN
from automation.run.start import BACKSTOP
from automation.verdict import not_started
from tests.documents.readme import ROOT, examples, first_column, section, sections, table, words

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
OURS = "org/automation-action@v1"
ACTIONLINT = Path(sys.executable).with_name("actionlint")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
PEM = "-----BEGIN PRIVATE KEY-----\\nAA==\\n-----END PRIVATE KEY-----"
FILLED = {
    "pr": "7",
    "sha": "a" * 40,
    "private-key": PEM,
    "app-id": "1",
    "agent-server-url": "https://agents.example",
}

REPOSITORY = "octo/demo"
HEAD, BASE, GITHUB_SHA, GROUP, RUN = ("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 40)
COMMITS = {
    "the pull request's head": HEAD,
    "`GITHUB_SHA`": GITHUB_SHA,
    "the group's head": GROUP,
    "the workflow run's head": RUN,
}
DEFINITIONS = {"the workspace": "", "the base branch": "next", "the default branch": GITHUB_SHA}


def test_every_input_is_in_the_table_with_its_default() -> None:
    rows = {words(row[0])[0]: row for row in table("Inputs of the Action")}
    assert list(rows) == list(ACTION["inputs"])
    for name, given in ACTION["inputs"].items():
        default = given.get("default")
        assert rows[name][1] == ("none" if default is None else f"`{default}`"), name
        assert rows[name][2]


def test_every_output_is_in_the_table() -> None:
    assert first_column("Outputs of the Action") == list(ACTION["outputs"])
    assert set(Conclusion) <= set(words(section("Outputs of the Action")))


@pytest.mark.parametrize(("column", "fail_on"), list(enumerate(FailOn, start=1)))
def test_the_exit_code_of_the_step_for_every_reason(column: int, fail_on: FailOn) -> None:
    said = {word: int(row[column]) for row in table("Exit code of the step") for word in words(row[0])}
    assert said == {reason: step_exit_code(reason, fail_on) for reason in Reason}


@pytest.mark.parametrize(
    "error",
    [
        Misconfigured(""),
        Misconfigured("", reason=Reason.ARCHIVE_INCOMPLETE),
        Refused(""),
        Refused("", reason=Reason.SHA_MOVED),
        Refused("", reason=Reason.FORK_NEEDS_APPROVAL),
        Refused("", reason=Reason.FORK_NEEDS_ISOLATION),
        GitHubUnavailable(""),
    ],
    ids=lambda error: str(error.reason),
)
def test_a_refusal_has_the_conclusion_that_the_reasons_table_says(error: AutomationError) -> None:
    [row] = [row for row in table("Reasons") if words(row[0]) == [error.reason]]
    assert words(row[1]) == [not_started(error).conclusion]


@pytest.mark.parametrize(
    ("title", "phrase"),
    [
        ("What you see", f"last {SHOWN // 1024} KiB of output"),
        ("What you see", f"every {pace.OFTEN:g} s for two minutes, then every {pace.SELDOM:g} s"),
        ("What you see", f"up to {check_output.MAX_ANNOTATIONS} annotations"),
        ("What you see", f"at most {ending.SHOWN_ANNOTATIONS} of a level"),
        ("What you see", f"tried for {client.PATIENCE:g} s, and for {client.LIMITED:g} s more"),
        ("Cancellation and time-outs", f"for up to {STOP_WITHIN:g} s"),
        ("Cancellation and time-outs", f"after {step.TELL_AFTER:g} s in any case"),
        ("The watchdog", f"start + time-out + {BACKSTOP + preparation.MARGIN:g} s"),
        ("The watchdog", f"the last {watchdog.RECENT_RUNS} workflow runs"),
        ("The watchdog", f"{watchdog.OPEN_PULL_REQUESTS} open pull requests"),
        ("The watchdog", f"at most {due.MAX_COMMITS} a pass: the {due.MAX_COMMITS // 2} likeliest"),
    ],
)
def test_figures(title: str, phrase: str) -> None:
    assert phrase in section(title)


def test_two_minutes() -> None:
    assert pace.OFTEN_FOR == 120


def test_the_events_on_which_embedded_is_refused_are_named() -> None:
    [sentence] = [line for line in section("A first workflow").splitlines() if "is refused" in line]
    assert set(words(sentence)) == {"embedded", "private-key", *PRIVILEGED_EVENTS}


def test_the_versions_of_python_are_those_that_setting_up_takes() -> None:
    script = (ROOT / "src/automation/action/setup.sh").read_text(encoding="utf-8")
    found = re.search(r"not \(3, (\d+)\) <= version < \(3, (\d+)\)", script)
    assert found
    first, end = map(int, found.groups())
    said = re.findall(r"3\.\d+", section("A first workflow"))
    assert said == [f"3.{minor}" for minor in range(first, end)]


def test_the_backends_that_can_be_asked_for_are_named() -> None:
    [row] = [row for row in table("Inputs of the Action") if words(row[0]) == ["backend"]]
    assert set(BackendName) <= set(words(row[2]))


# --- events and forks ---


def pull_request(head_repository: str = REPOSITORY) -> dict[str, Any]:
    return {
        "number": 7,
        "state": "open",
        "head": {"sha": HEAD, "ref": "feature", "repo": {"full_name": head_repository}},
        "base": {"sha": BASE, "ref": "next", "repo": {"full_name": REPOSITORY}},
    }


def context_of(
    event_name: str, head_repository: str = REPOSITORY, comment: str = f"/changelog-guard {HEAD}"
) -> Context:
    event = {
        "action": "created",
        "repository": {"default_branch": "main"},
        "pull_request": pull_request(head_repository),
        "issue": {"number": 7, "pull_request": {}},
        "comment": {"body": comment, "user": {"login": "alice", "type": "User"}},
        "merge_group": {"head_sha": GROUP},
        "workflow_run": {"head_sha": RUN, "head_repository": {"full_name": head_repository}},
    }
    return Context(REPOSITORY, event_name, event, sha=GITHUB_SHA, ref="refs/heads/main")


def target(context: Context, asked: int | None = None, sha: str = "") -> Target:
    shown = None
    if pull_request_to_read(context, asked) is not None:
        shown = PullRequest.read(context.event["pull_request"])
    return target_of(context, sha, shown)


def events() -> Iterator[tuple[str, list[str]]]:
    for row in table("Which commit, whose definition"):
        for name in words(row[0]):
            yield name, row


@pytest.mark.parametrize(
    ("name", "row"), list(events()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_event_has_the_commit_the_definition_and_the_gate_of_the_table(name: str, row: list[str]) -> None:
    found = target(context_of(name))
    assert found.sha == COMMITS[row[1].partition(",")[0]]
    assert found.definition_ref == DEFINITIONS[row[2]]
    assert ("github.who" in row[3]) is (name == COMMENT)
    assert ("fork" in row[3]) is found.is_privileged


def test_the_events_that_are_special_are_in_the_table() -> None:
    assert {*FROM_THE_BASE, *OF_A_PULL_REQUEST, *PRIVILEGED_EVENTS} <= {name for name, _ in events()}


def refusal(context: Context, found: Target, role: Role, sha: str) -> Reason | None:
    """Why a fork's commit does not run although there is a server for it; None if it does."""
    try:
        check_fork(context, found, role, GitHubKey(), sha, is_isolated=True)
    except Refused as error:
        return error.reason
    return None


@pytest.mark.parametrize("row", table("Forks"), ids=lambda row: str(words(row[0])[0]))
def test_a_forks_commit_that_is_named_and_isolated_runs_where_the_table_says(row: list[str]) -> None:
    name, *inputs = words(row[0])
    context = context_of(name, "mallory/demo")
    sha = HEAD if "sha" in inputs else ""
    found = target(context, 7 if "pr" in inputs else None, sha)
    assert found.is_fork
    runs = refusal(context, found, Role.WRITE, sha) is None
    assert runs is ("It does not run" not in row[2])


@pytest.mark.parametrize(
    ("comment", "role", "approves"),
    [
        (f"/changelog-guard {HEAD}", Role.WRITE, True),
        (f"/changelog-guard {HEAD}", Role.TRIAGE, False),
        (f"/changelog-guard {HEAD[:12]}", Role.WRITE, False),
        (f"/changelog-guard\n> /changelog-guard {HEAD}", Role.WRITE, False),
        (f"> /changelog-guard {HEAD}", Role.WRITE, False),
    ],
)
def test_a_comment_approves_as_the_readme_says(comment: str, role: Role, approves: bool) -> None:
    [rule] = [line for line in section("Forks").splitlines() if line.startswith("- A comment approves")]
    assert "40 hexadecimal digits, in its first line, which begins with `/`" in rule
    assert "less than `write`" in rule
    context = context_of(COMMENT, "mallory/demo", comment)
    expected = None if approves else Reason.FORK_NEEDS_APPROVAL
    assert refusal(context, target(context), role, "") == expected


# --- permissions and workflows ---


def permissions(text: str) -> dict[str, str]:
    return dict(word.split(": ") for word in words(text))


def workflows() -> list[str]:
    return [text for text in examples("yaml") if "\njobs:" in text]


def steps(text: str) -> Iterator[dict[str, Any]]:
    """The steps of an example that are the Action's."""
    document = yaml.safe_load(text)
    if isinstance(document, dict):
        found = [each for job in document.get("jobs", {}).values() for each in job["steps"]]
    else:
        found = document
    yield from (each for each in found if each.get("uses") == OURS)


def named(text: str) -> str:
    """For ids."""
    found = re.match(r"name: (.+)", text)
    return found[1] if found else "steps"


OF_THE_ACTION = [text for text in examples("yaml") if OURS in text]


def test_the_permissions_of_an_app_are_those_that_its_tokens_ask_for() -> None:
    rows = [permissions(row[1]) for row in table("Tokens and permissions") if row[0].startswith("an App")]
    wanted = {name.replace("_", "-"): level for name, level in WANTED.items()}
    assert rows[-1] == wanted
    assert all(row.items() <= wanted.items() for row in rows)


@pytest.mark.parametrize("text", workflows(), ids=named)
def test_a_job_has_the_permissions_of_the_table_and_no_others(text: str) -> None:
    run, with_pull, watching = [permissions(row[1]) for row in table("Tokens and permissions")][:3]
    document = yaml.safe_load(text)
    triggers = document[True]  # `on` is a truth in YAML 1.1
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        [inputs] = [each["with"] for each in job["steps"] if each.get("uses") == OURS]
        needed = watching if inputs.get("mode") == "watchdog" else dict(run)
        if "pr" in inputs or not FROM_THE_BASE.isdisjoint(triggers):
            needed |= with_pull
        if "private-key" in inputs:
            del needed["checks"]
        assert job["permissions"] == needed


def test_there_is_an_example_for_each_backend_and_mode() -> None:
    given = [each["with"] for text in OF_THE_ACTION for each in steps(text)]
    assert {inputs.get("backend", "agent-server") for inputs in given} == set(BackendName)
    assert {inputs.get("mode", "run") for inputs in given} == {"run", "watchdog"}


@pytest.mark.parametrize("text", OF_THE_ACTION, ids=named)
def test_the_inputs_of_an_example_exist_and_are_right(text: str) -> None:
    found = list(steps(text))
    assert found
    for each in found:
        assert set(each["with"]) <= set(ACTION["inputs"])
        environment = {
            f"INPUT_{name.upper().replace('-', '_')}": EXPRESSION.sub(FILLED.get(name, "x"), str(value))
            for name, value in each["with"].items()
        }
        read_inputs(environment)


def lint(directory: Path, text: str) -> str:
    """What actionlint says of a workflow, with our action.yml for the Action."""
    file = directory / ".github/workflows/example.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace(OURS, "./"), encoding="utf-8")
    shutil.copy(ROOT / "action.yml", directory)
    subprocess.run(["git", "init", "-q", str(directory)], check=True, timeout=30)
    ran = subprocess.run(
        [ACTIONLINT, "-no-color", "-shellcheck=", "-pyflakes=", str(file)],
        check=False,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("text", workflows(), ids=named)
def test_a_workflow_of_the_readme_is_right(text: str, tmp_path: Path) -> None:
    assert lint(tmp_path, text) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("backend:", "back-end:"), ("on: push", "on: pushed"), ("contents: read", "contents: reed")],
)
def test_a_workflow_that_is_wrong_would_be_noticed(right: str, wrong: str, tmp_path: Path) -> None:
    [text] = [text for text in workflows() if "embedded" in text]
    assert right in text
    assert lint(tmp_path, text.replace(right, wrong))


def test_an_output_that_does_not_exist_would_be_noticed(tmp_path: Path) -> None:
    [text] = [text for text in workflows() if "outputs.reason" in text]
    assert "outputs.raison" in lint(tmp_path, text.replace("outputs.reason", "outputs.raison"))


def test_the_watchdog_watches_a_workflow_of_the_readme() -> None:
    documents = [yaml.safe_load(text) for text in workflows()]
    watched = {
        name
        for document in documents
        if "workflow_run" in document[True]
        for name in document[True]["workflow_run"]["workflows"]
    }
    assert watched
    assert watched <= {document["name"] for document in documents}


def test_what_is_not_there_yet_is_said() -> None:
    status = section("Status")
    for name in ("not with the hosted Cloud", "`github.secrets`", "PostgreSQL"):
        assert name in status


def test_the_action_comes_first() -> None:
    assert [title for level, title, _ in sections() if level == 2][:3] == ["Status", "The Action", "Recipes"]


def test_the_first_lines_run_nothing_but_the_action() -> None:
    """Five lines, as promised."""
    first = examples("yaml")[0]
    assert OURS in first
    assert len(first.splitlines()) == 5
