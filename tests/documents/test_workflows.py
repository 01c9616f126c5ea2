"""The repository's workflows are as careful as the README asks its readers to be, and use the Action as it is."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")


def workflow(path: Path) -> dict[str, Any]:
    # Without types: to YAML 1.1, in which PyYAML reads, the key `on` is a truth.
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return loaded


WORKFLOWS = {path.stem: workflow(path) for path in FILES}
JOBS = {f"{name}/{job}": body for name, flow in WORKFLOWS.items() for job, body in flow["jobs"].items()}
STEPS = [(where, step) for where, job in JOBS.items() for step in job["steps"]]


def test_there_is_a_workflow_for_each_purpose() -> None:
    assert set(WORKFLOWS) == {"ci", "live", "release", "watchdog"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_rights_but_those_of_its_jobs(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert WORKFLOWS[name]["concurrency"]["group"]


@pytest.mark.parametrize("where", JOBS)
def test_a_job_says_what_it_may_and_how_long_it_may_take(where: str) -> None:
    assert JOBS[where]["permissions"]
    assert 0 < int(JOBS[where]["timeout-minutes"]) <= 30


def test_other_peoples_actions_are_pinned_by_commit() -> None:
    """But for those that the text says are to be."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    excused = set(re.findall(r"uses: (\S+) # zizmor: ignore\[unpinned-uses\] to be pinned before", text))
    used = {step["uses"] for _, step in STEPS if "uses" in step and step["uses"] != "./"}
    assert {use for use in used if not PINNED.match(use)} == excused


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [step for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_no_script_has_an_expression_in_it() -> None:
    assert [where for where, step in STEPS if "${{" in step.get("run", "")] == []


def test_the_action_is_used_with_inputs_that_it_has() -> None:
    uses = [(where, step) for where, step in STEPS if step.get("uses") == "./"]
    assert {where.split("/")[0] for where, _ in uses} == {"live", "watchdog"}
    for where, step in uses:
        assert set(step["with"]) <= set(ACTION["inputs"]), where


def test_the_action_is_shown_with_outputs_that_it_has() -> None:
    text = (ROOT / ".github/workflows/live.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"steps\.action\.outputs\.([\w-]+)", text)) <= set(ACTION["outputs"])


def test_the_watchdog_may_do_what_it_is_for_and_nothing_else() -> None:
    job = JOBS["watchdog/settle"]
    assert job["permissions"] == {
        "actions": "read",
        "checks": "write",
        "contents": "read",
        "pull-requests": "read",
    }
    assert job["if"] == "vars.AGENT_SERVER_URL != ''"
    assert WORKFLOWS["watchdog"]["on"]["workflow_run"]["workflows"] == [WORKFLOWS["live"]["name"]]


def test_what_writes_a_release_waits_for_its_environment() -> None:
    for where, job in JOBS.items():
        writes = {right for right, level in job["permissions"].items() if level == "write"} - {"checks"}
        assert ("environment" in job) is bool(writes), where
        if writes:
            assert where.startswith("release/")
            assert job["environment"] == "release"
            assert "check" in job["needs"]


def test_a_secret_goes_to_the_watchdog_only() -> None:
    holders = [path.name for path in FILES if re.search(r"\bsecrets\.", path.read_text(encoding="utf-8"))]
    assert holders == ["watchdog.yml"]
