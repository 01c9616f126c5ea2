"""What Apps are told is what GitHub's own schemas describe, and goes to those whom GitHub would tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from tests.fakes.github.apps import App
from tests.fakes.github.checks import CheckRun
from tests.fakes.github.conftest import BOT, SECRET, Demo
from tests.fakes.github.packages import DescriptionMissing, Package
from tests.fakes.github.receiving import Receiver
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import GONE, FakeGitHub
from tests.fakes.github.webhooks import Delivery

SCHEMAS = Package(
    "@octokit/webhooks-schemas",
    "7.6.1",
    "qW0Bwtb76r4m2WzVhKDyfEeEnt1GEQoRjkCqmq2ZeB0nNVDJ+Z2LBDS9FDPyduuMXf/ZTWiCJp9PFFHgRfBe3A==",
    "GitHub's schema of webhooks",
)
ALL = BOT | {"merge_queues": "read"}


@pytest.fixture(scope="session")
def schemas() -> dict[str, Any]:
    """GitHub's schemas, open for the fields that came after them."""
    try:
        found: dict[str, Any] = SCHEMAS.json("package/schema.json")
    except DescriptionMissing as missing:
        pytest.skip(str(missing))
    _open(found)
    return found


def _open(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
        for each in schema.values():
            _open(each)
    elif isinstance(schema, list):
        for each in schema:
            _open(each)


def judge(schemas: dict[str, Any], delivery: Delivery) -> None:
    name = f"{delivery.event}${delivery.action or 'event'}"
    schema = {"$ref": f"#/definitions/{name}", "definitions": schemas["definitions"]}
    wrong = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft7Validator(schema).iter_errors(delivery.payload)
    ]
    assert not wrong, f"{name}:\n" + "\n".join(wrong)


@dataclass(frozen=True)
class Stage:
    """What there is when something happens."""

    github: FakeGitHub
    app: App
    repository: Repository
    demo: Demo

    def check(self, **body: Any) -> CheckRun:
        return self.repository.create_check({"name": "review", "head_sha": self.demo.head, **body}, self.app)


@pytest.fixture
def stage(octo: FakeGitHub, demo: Demo, receiver: Receiver) -> Stage:
    repository = octo.repository_named("octo/demo")
    repository.pull(7, head=demo.head, title="New", author="alice")
    repository.issue(3, title="Old")
    app = octo.app("our-bot", ALL, hook_url=receiver.url, secret=SECRET)
    app.install("octo/demo")
    octo.settle()
    app.deliveries.clear()
    return Stage(octo, app, repository, demo)


def open_a_fork(stage: Stage) -> None:
    head = stage.demo.head
    stage.repository.pull(8, head=head, fork="mallory/demo", author="mallory", announce=True)


def open_a_fork_that_is_gone(stage: Stage) -> None:
    stage.repository.pull(8, head=stage.demo.head, fork=GONE, author="mallory", announce=True)


def edit_a_comment(stage: Stage) -> None:
    stage.repository.pull(7).comment("one", "alice").edit("two")


def delete_a_comment(stage: Stage) -> None:
    stage.repository.issues[3].comment("one").delete(by="bob")


def label_twice(stage: Stage) -> None:
    stage.repository.pull(7).label("run it")
    stage.repository.pull(7).label("run it")
    stage.repository.pull(7).unlabel("run it")


def close_and_reopen(stage: Stage) -> None:
    stage.repository.pull(7).close()
    stage.repository.pull(7).reopen()


def end_an_issue(stage: Stage) -> None:
    issue = stage.repository.issue(4)
    issue.label("bug")
    issue.close()
    issue.reopen()


def press_everything(stage: Stage) -> None:
    button = {"label": "Retry", "description": "Again", "identifier": "retry"}
    check = stage.check(actions=[button], conclusion="failure")
    check.rerun(by="alice")
    check.click("retry", by="alice")
    stage.repository.rerun_suite(stage.demo.head, stage.app, by="alice")


def run_a_check(stage: Stage) -> None:
    check = stage.check(status="in_progress")
    stage.repository.change_check(check, {"conclusion": "success"}, stage.app)
    stage.repository.change_check(check, {"output": {"title": "T", "summary": "S"}}, stage.app)


def come_and_go(stage: Stage) -> None:
    stage.github.repository("octo/second", stage.demo.directory)
    stage.app.install("octo/second")
    installation = stage.app.installations[0]
    installation.suspend()
    installation.unsuspend()
    installation.delete()


HAPPENINGS: dict[str, tuple[Callable[[Stage], object], list[str]]] = {
    "a comment on a pull request": (
        lambda stage: stage.repository.pull(7).comment("hello", "alice"),
        ["issue_comment.created"],
    ),
    "a comment on an issue": (
        lambda stage: stage.repository.issues[3].comment("hello"),
        ["issue_comment.created"],
    ),
    "a comment changes": (edit_a_comment, ["issue_comment.created", "issue_comment.edited"]),
    "a comment goes": (delete_a_comment, ["issue_comment.created", "issue_comment.deleted"]),
    "a pull request of a fork": (open_a_fork, ["pull_request.opened"]),
    "a pull request of nowhere": (open_a_fork_that_is_gone, ["pull_request.opened"]),
    "a push to a pull request": (
        lambda stage: stage.repository.pull(7).push(stage.demo.main, by="bob"),
        ["push", "check_suite.requested", "pull_request.synchronize"],
    ),
    "a push to a branch": (
        lambda stage: stage.repository.push("main", author="bob"),
        ["push", "check_suite.requested"],
    ),
    "the end of a pull request": (close_and_reopen, ["pull_request.closed", "pull_request.reopened"]),
    "a merge": (lambda stage: stage.repository.pull(7).close(merged=True), ["pull_request.closed"]),
    "ready": (lambda stage: stage.repository.pull(7).ready(), ["pull_request.ready_for_review"]),
    "labels": (label_twice, ["pull_request.labeled", "pull_request.unlabeled"]),
    "an issue": (end_an_issue, ["issues.opened", "issues.labeled", "issues.closed", "issues.reopened"]),
    "a release": (lambda stage: stage.repository.release("v1"), ["release.published"]),
    "a merge queue": (
        lambda stage: stage.repository.merge_group(stage.demo.head),
        ["merge_group.checks_requested"],
    ),
    "a check run": (
        run_a_check,
        ["check_run.created", "check_run.completed", "check_suite.completed"],
    ),
    "buttons": (
        press_everything,
        [
            "check_run.created",
            "check_run.completed",
            "check_suite.completed",
            "check_run.rerequested",
            "check_run.requested_action",
            "check_suite.rerequested",
        ],
    ),
    "another App's check run": (
        lambda stage: stage.repository.foreign_check("lint", stage.demo.head, app="lint"),
        ["check_run.created"],
    ),
    "an installation": (
        come_and_go,
        [
            "installation_repositories.added",
            "installation.suspend",
            "installation.unsuspend",
            "installation.deleted",
        ],
    ),
}


@pytest.mark.parametrize(("happen", "expected"), HAPPENINGS.values(), ids=HAPPENINGS)
@pytest.mark.parametrize("owner", ["User", "Organization"])
def test_it_is_told_in_githubs_words(
    happen: Callable[[Stage], object], expected: list[str], owner: str, stage: Stage, schemas: dict[str, Any]
) -> None:
    stage.github.world.accounts.pop("octo")
    stage.github.user("octo", owner)
    happen(stage)
    stage.github.settle()
    deliveries = stage.app.deliveries
    assert [f"{each.event}.{each.action}" if each.action else each.event for each in deliveries] == expected
    for delivery in deliveries:
        assert delivery.status_code == 202
        judge(schemas, delivery)


def test_the_schemas_find_what_is_wrong(stage: Stage, schemas: dict[str, Any]) -> None:
    stage.repository.pull(7).comment("hello")
    payload = stage.app.deliveries[0].payload
    del payload["comment"]["user"]["login"]
    delivery = stage.app.post("issue_comment", payload)
    with pytest.raises(AssertionError, match="'login' is a required property"):
        judge(schemas, delivery)
