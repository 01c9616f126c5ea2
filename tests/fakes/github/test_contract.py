"""GitHub's description: how it is had, what is trimmed and patched, what it finds in requests and answers."""

import json
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.contract import Contract, operations
from tests.fakes.github.description import OPENAPI, description, trim
from tests.fakes.github.packages import DescriptionMissing, Package, cache_directory
from tests.fakes.github.recording import Recorded
from tests.fakes.github.server import FakeGitHub

# What GitHub does not describe, or describes under another path.
UNDESCRIBED = {
    ("POST", "/graphql"),
    ("POST", "/settings/apps/new"),
    ("POST", "/organizations/{org}/settings/apps/new"),
    ("GET", "/repos/{owner}/{repo}/contents"),
    ("GET", "/repos/{owner}/{repo}/contents/"),
    ("GET", "/repos/{owner}/{repo}/tarball"),
}


@pytest.fixture
def strict(fake: FakeGitHub, contract: Contract) -> FakeGitHub:
    """A fake with a contract whose violations are looked at, not judged."""
    fake.attach(contract)
    return fake


def test_github_describes_every_operation_of_the_fake(contract: Contract) -> None:
    described = {
        (method.upper(), path)
        for path, methods in contract.description["paths"].items()
        for method in methods
    }
    assert set(operations()) - described == UNDESCRIBED
    assert described <= set(operations())


def test_what_is_trimmed_is_whole_and_small(contract: Contract) -> None:
    text = json.dumps(contract.description)
    assert len(text) < 1_000_000
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/components/')[1:]}
    for reference in references:
        kind, name = reference.split("/")
        assert name in contract.description["components"][kind]


def test_our_additions_are_marked(contract: Contract) -> None:
    create = contract.description["paths"]["/repos/{owner}/{repo}/check-runs"]["post"]
    assert create["responses"]["422"] == {"$ref": "#/components/responses/x-ours-refused"}
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert all(choice["x-ours"] for choice in body["anyOf"])
    assert body["additionalProperties"] is False
    assert body["properties"]["output"]["additionalProperties"] is False
    assert create["responses"]["201"]["content"]["application/vnd.github+json"]["x-ours"]


def test_a_second_start_reads_only_what_was_cut_out(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole description takes seconds to read."""
    monkeypatch.setattr(Package, "json", None)
    assert Contract.load().description["paths"].keys() == contract.description["paths"].keys()


@pytest.mark.usefixtures("contract")
def test_the_cache_is_found_by_a_variable_and_two_may_fill_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = (cache_directory() / OPENAPI.archive_name).resolve()
    monkeypatch.setenv("OPENAPI_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", os.devnull)
    (tmp_path / OPENAPI.archive_name).symlink_to(archive)
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(description(operations()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found[0] == found[1]
    assert len(list(tmp_path.iterdir())) == 2


def test_without_npm_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAPI_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(
        DescriptionMissing, match=r"install Node.js with npm, or run `npm pack @octokit/openapi@"
    ):
        description(operations())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no network >&2; exit 1", r"npm pack @octokit/openapi@.* failed.*: no network"),
        (f"echo else > {OPENAPI.archive_name}", "is not the archive that is pinned here"),
    ],
)
def test_what_npm_does_not_bring(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(npm.parent))
    monkeypatch.setenv("OPENAPI_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DescriptionMissing, match=words):
        description(operations())
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_description_is_taken_from_what_npm_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contract: Contract
) -> None:
    source = (cache_directory() / OPENAPI.archive_name).resolve()
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        f'#!/bin/sh\ntest "$1 $2" = "pack @octokit/openapi@{OPENAPI.version}" && cp "{source}" .\n'
    )
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    monkeypatch.setenv("OPENAPI_CACHE", str(tmp_path / "cache"))
    assert description(operations()) == contract.description


def test_an_operation_that_github_does_not_have_is_left_out() -> None:
    full = {"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": {"responses": {}}}}, "components": {}}
    assert list(trim(full, [("GET", "/a"), ("POST", "/a"), ("GET", "/b")])["paths"]) == ["/a"]


WRONG_REQUESTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "a misspelt field": ("POST", "/check-runs", {"json": {"detail_url": "https://x.example"}}, "detail_url"),
    "a misspelt field within": (
        "POST",
        "/check-runs",
        {"json": {"output": {"title": "T", "summary": "S", "txt": "X"}}},
        "output: Additional properties are not allowed ('txt' was unexpected)",
    ),
    "51 annotations": (
        "POST",
        "/check-runs",
        {"json": {"output": {"title": "T", "summary": "S", "annotations": [{}] * 51}}},
        "is too long",
    ),
    "a long label": (
        "POST",
        "/check-runs",
        {"json": {"actions": [{"label": "a" * 21, "description": "d", "identifier": "i"}]}},
        "actions/0/label",
    ),
    "completed without conclusion": (
        "POST",
        "/check-runs",
        {"json": {"status": "completed"}},
        "is not valid under any",
    ),
    "an unknown conclusion": ("POST", "/check-runs", {"json": {"conclusion": "passed"}}, "conclusion"),
    "a misspelt parameter": ("GET", "/pulls?perpage=100", {}, "there is no query parameter 'perpage'"),
    "an unknown state": ("GET", "/pulls?state=merged", {}, "state"),
    "a page in words": ("GET", "/pulls?per_page=many", {}, "per_page"),
    "a body that is no JSON": (
        "POST",
        "/check-runs",
        {"content": b"name=x"},
        "Valid mimetypes: ['application/json']",
    ),
    "a body that is no text": (
        "POST",
        "/check-runs",
        {"content": b"\xff", "headers": {"content-type": "application/json"}},
        "not UTF-8",
    ),
    "an unknown route": ("GET", "/absent", {}, "there is no such operation in the fake"),
    "an unknown method": ("PUT", "/pulls", {}, "there is no such operation in the fake"),
}


@pytest.mark.parametrize(("method", "path", "given", "words"), WRONG_REQUESTS.values(), ids=WRONG_REQUESTS)
def test_a_request_breaks_the_description_by(
    method: str,
    path: str,
    given: dict[str, Any],
    words: str,
    strict: FakeGitHub,
    demo: Demo,
    connect: Connect,
) -> None:
    if "json" in given:
        given = {"json": {"name": "review", "head_sha": demo.head, **given["json"]}}
    connect(strict).request(method, f"/repos/octo/demo{path}", **given)
    assert strict.violations
    assert any(words in violation for violation in strict.violations), strict.violations


def test_an_answer_breaks_the_description(strict: FakeGitHub, demo: Demo, connect: Connect) -> None:
    check = strict.repository_named("octo/demo").foreign_check("lint", demo.head, app="other-app")
    check.conclusion = "stale"
    connect(strict).get(f"/repos/octo/demo/check-runs/{check.id}")
    (violation,) = strict.violations
    assert "answer 200: conclusion: 'stale' is not one of" in violation


def test_a_refusal_by_the_test_is_not_judged(strict: FakeGitHub, connect: Connect) -> None:
    strict.fault("GET", "/repos/octo/demo", status=418, body={"tea": True})
    assert connect(strict).get("/repos/octo/demo").status_code == 418
    assert strict.violations == []


def test_no_credential_is_in_a_violation(strict: FakeGitHub, connect: Connect) -> None:
    http = connect(strict)
    http.get("/repos/octo/demo/pulls?state=merged&per_page=x")
    secret = http.headers["authorization"].removeprefix("Bearer ")
    assert len(strict.violations) == 2
    assert secret not in "\n".join(strict.violations)


def test_a_judgement_takes_milliseconds_and_threads_do_not_disturb_each_other(
    contract: Contract, demo: Demo
) -> None:
    def recorded(name: object) -> Recorded:
        return Recorded(
            method="POST",
            host="api",
            path="/repos/octo/demo/check-runs",
            query_string="",
            headers={"content-type": "application/json"},
            body=json.dumps({"name": name, "head_sha": demo.head}).encode(),
            template="/repos/{owner}/{repo}/check-runs",
            parameters={"owner": "octo", "repo": "demo"},
        )

    contract.judge_request(recorded("warm"))
    began = time.monotonic()
    wrong: list[list[str]] = []

    def judge() -> None:
        for _ in range(25):
            assert contract.judge_request(recorded("right")) == []
            wrong.append(contract.judge_request(recorded(7)))

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == [["request: name: 7 is not of type 'string'"]] * 100
    assert (time.monotonic() - began) / 200 < 0.05
