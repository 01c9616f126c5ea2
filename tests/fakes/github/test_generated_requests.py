"""Requests that schemathesis makes up from GitHub's description: no answer of the fake is against it.

The parameters of paths are those of a repository that is there, otherwise nearly all would be 404.
"""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import Demo
from tests.fakes.github.contract import Contract
from tests.fakes.github.server import FakeGitHub

WITHIN = 100
EXAMPLES = 20
CHECKS = "response_schema_conformance,status_code_conformance,not_a_server_error,content_type_conformance"
GRANTED = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "write",
    "actions": "read",
}


@pytest.fixture
def seeded(fake: FakeGitHub, demo: Demo) -> FakeGitHub:
    repository = fake.repository_named("octo/demo")
    repository.collaborator("alice", "triage")
    repository.pull(7, head=demo.head, fork="mallory/demo", author="mallory")
    repository.job_check("build", demo.head, run_id=4242)
    repository.comment(7, "hello")
    return fake


@pytest.fixture
def bot(seeded: FakeGitHub, demo: Demo) -> App:
    # Nobody listens there: what is sent again fails at once.
    app = seeded.app("our-bot", GRANTED, hook_url="http://127.0.0.1:9/webhook")
    app.install("octo/demo")
    output = {
        "title": "T",
        "summary": "S",
        "annotations": [
            {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
        ],
    }
    seeded.repository_named("octo/demo").foreign_check("review", demo.head, app="our-bot", output=output)
    return app


def parameters(fake: FakeGitHub, app: App, demo: Demo) -> dict[str, list[Any]]:
    """Values for the parameters of paths, and for what check runs are of: mostly of what is there."""
    repository = fake.repository_named("octo/demo")
    delivery = app.post("ping", {"zen": "Keep it simple"}).wait()
    return {
        "branch": ["main", "feature", "absent"],
        "code": ["absent"],
        "delivery_id": [delivery.id, 1],
        "reaction_id": [1],
        "owner": ["octo"],
        "repo": ["demo"],
        "username": ["alice", "mallory", "octocat", "nobody"],
        "installation_id": [app.installations[0].id],
        "check_run_id": [*repository.check_runs, 1],
        "check_suite_id": [suite.id for suite in repository.suites],
        "comment_id": list(repository.comments),
        "issue_number": [7, 8],
        "pull_number": [7, 8],
        "run_id": [4242],
        "job_id": list(repository.check_runs),
        "ref": ["main", "heads/main", "v1", demo.head, "absent"],
        "basehead": ["main...feature", f"{demo.fork_point}...{demo.main}"],
        "tree_sha": ["main", demo.head],
        "file_sha": [demo.git("rev-parse", f"{demo.head}:new.py")],
        "head_sha": [demo.head, demo.main],
        "details_url": ["https://bot.example/1"],
        "path": ["README.md", "docs", "link", "absent"],
    }


def fill(description: dict[str, Any], values: dict[str, list[Any]]) -> dict[str, Any]:
    """The description with these values as the only ones."""
    filled = copy.deepcopy(description)
    inline = [
        parameter
        for path in filled["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", [])
        if "$ref" not in parameter
    ]
    for parameter in [*filled["components"]["parameters"].values(), *inline]:
        if parameter["in"] == "path":
            parameter["schema"] = {"type": parameter["schema"]["type"], "enum": values[parameter["name"]]}
            parameter.pop("examples", None)
            parameter.pop("example", None)
    for path in ("/repos/{owner}/{repo}/check-runs", "/repos/{owner}/{repo}/check-runs/{check_run_id}"):
        for operation in filled["paths"][path].values():
            fields = _fields(operation)
            for name in ("head_sha", "details_url"):
                if name in fields:
                    fields[name] = {"type": "string", "enum": values[name]}
    return filled


def _fields(operation: dict[str, Any]) -> dict[str, Any]:
    if "requestBody" not in operation:
        return {}
    found: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    return found


def schemathesis(
    fake: FakeGitHub,
    schema: Path,
    credential: str,
    *selection: str,
    mode: str = "positive",
    checks: str = CHECKS,
    examples: int = EXAMPLES,
) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        str(schema),
        f"--url={fake.url}",
        f"--header=Authorization: Bearer {credential}",
        "--phases=examples,fuzzing",
        f"--max-examples={examples}",
        f"--mode={mode}",
        f"--checks={checks}",
        "--seed=1",
        "--workers=1",
        "--no-color",
        *selection,
    ]
    ended = subprocess.run(
        command,
        cwd=schema.parent,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


@pytest.fixture
def schema(contract: Contract, seeded: FakeGitHub, bot: App, demo: Demo, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "github.json"
    file.write_text(json.dumps(fill(contract.description, parameters(seeded, bot, demo))))
    yield file
    assert [words for words in seeded.violations if "the fake itself broke" in words] == []


# What needs the App itself, and what would end the token that all the rest needs.
OF_THE_APP = "^/app|/installation$"


def test_what_an_installation_may_ask(seeded: FakeGitHub, schema: Path, bot: App) -> None:
    token = bot.token()
    token.meter.limit = 1_000_000
    schemathesis(
        seeded,
        schema,
        token.value,
        f"--exclude-path-regex={OF_THE_APP}",
        "--exclude-path=/installation/token",
    )
    answered = {request.status for request in seeded.requests}
    assert {200, 201, 302, 404} <= answered


def test_what_an_app_may_ask(seeded: FakeGitHub, schema: Path, bot: App) -> None:
    schemathesis(seeded, schema, bot.jwt(), f"--include-path-regex={OF_THE_APP}")
    assert {200, 201} <= {request.status for request in seeded.requests}


def test_nothing_that_is_wrong_breaks_the_fake_or_its_contract(
    seeded: FakeGitHub, schema: Path, bot: App, contract: Contract
) -> None:
    seeded.attach(contract)
    token = bot.token()
    token.meter.limit = 1_000_000
    schemathesis(
        seeded,
        schema,
        token.value,
        "--include-method=POST",
        "--include-method=PATCH",
        f"--exclude-path-regex={OF_THE_APP}",
        mode="negative",
        checks="not_a_server_error",
        examples=20,
    )
    assert {400, 422} <= {request.status for request in seeded.requests}
