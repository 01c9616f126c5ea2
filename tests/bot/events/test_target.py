"""Every kind of event names its commit, and a definition that no stranger can have written."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from bot.events import EventTarget, target_of
from tests.bot.events.payloads import (
    APP,
    BASE,
    BEFORE,
    CHECKED,
    COMMENTED,
    COMMON,
    EVENTS,
    FORK,
    GROUPED,
    HEAD,
    NOTHING,
    OTHER,
    PULLED,
    PUSHED,
    RAN,
    RELEASED,
    SUITED,
    SUSPENDED,
    TAG,
    WILD,
    Json,
    damaged,
    with_value,
    without,
)

OF_THE_PULL = EventTarget(
    HEAD, "feature", BASE, "main", 7, definition_ref="main", head_repository="octo/demo"
)
OF_THE_BRANCH = EventTarget(head_ref="main", definition_ref="main")
QUEUE = "gh-readonly-queue/main/pr-7-x"


def target(event: str, payload: Any) -> EventTarget | None:
    return target_of(event, payload, app_id=APP)


def pushed(ref: str, **changes: Any) -> Json:
    return {**PUSHED, "ref": ref, **changes}


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("pull_request", PULLED, OF_THE_PULL),
        ("pull_request_review", PULLED, OF_THE_PULL),
        ("pull_request_review_comment", PULLED, OF_THE_PULL),
        ("pull_request_review_thread", PULLED, OF_THE_PULL),
        ("pull_request", with_value(PULLED, "pull_request.base.ref", "next"), replace(OF_THE_PULL, base_ref="next", definition_ref="next")),
        ("pull_request", with_value(PULLED, "pull_request.base.sha", None), replace(OF_THE_PULL, base_sha="")),
        ("issue_comment", COMMENTED, EventTarget(pull_request=7, is_fork=True)),
        ("issue_comment", without(COMMENTED, "issue.pull_request"), OF_THE_BRANCH),
        ("push", PUSHED, EventTarget(HEAD, "main", BEFORE, definition_ref=HEAD)),
        ("push", pushed("refs/heads/a/b"), EventTarget(HEAD, "a/b", BEFORE, definition_ref="main")),
        ("push", pushed("refs/heads/new", before=NOTHING), EventTarget(HEAD, "new", definition_ref="main")),
        ("push", pushed("refs/heads/gone", after=NOTHING, head_commit=None), None),
        ("push", pushed("refs/tags/v1", before=NOTHING), EventTarget(HEAD, "v1", definition_ref="main")),
        ("push", pushed("refs/tags/v1", after=TAG), EventTarget(HEAD, "v1", definition_ref="main")),
        ("push", pushed("refs/tags/main"), EventTarget(HEAD, "main", definition_ref="main")),
        ("push", pushed("refs/tags/v1", after=NOTHING, head_commit=None), None),
        ("push", pushed("refs/tags/v1", after=TAG, head_commit=None), None),
        ("merge_group", GROUPED, EventTarget(HEAD, QUEUE, BASE, "main", definition_ref="main")),
        ("release", RELEASED, EventTarget(head_ref="v1", definition_ref="main")),
        ("release", with_value(RELEASED, "release.tag_name", None), OF_THE_BRANCH),
        ("workflow_run", RAN, EventTarget(HEAD, "feature", definition_ref="main")),
        ("workflow_run", with_value(RAN, "workflow_run.head_branch", None), EventTarget(HEAD, definition_ref="main")),
        ("issues", {**COMMON, "action": "opened"}, OF_THE_BRANCH),
        ("status", {**COMMON, "sha": OTHER}, OF_THE_BRANCH),
        ("deployment", {**COMMON, "deployment": {"sha": OTHER}}, OF_THE_BRANCH),
        ("event_of_tomorrow", COMMON, OF_THE_BRANCH),
        ("ping", COMMON, None),
        ("meta", COMMON, None),
        ("installation", SUSPENDED, None),
    ],
)  # fmt: skip
def test_targets(event: str, payload: Json, expected: EventTarget | None) -> None:
    assert target(event, payload) == expected


@pytest.mark.parametrize("repository", [FORK, None, {}, {"full_name": ""}, {"full_name": None}, "octo/demo"])
def test_a_fork_is_known_as_one_even_where_it_is_gone(repository: Any) -> None:
    found = target("pull_request", with_value(PULLED, "pull_request.head.repo", repository))
    assert found == replace(OF_THE_PULL, is_fork=True, head_repository=found.head_repository if found else "")
    ran = target("workflow_run", with_value(RAN, "workflow_run.head_repository", repository))
    assert ran
    assert ran.is_fork


def test_repositories_are_the_same_in_any_case() -> None:
    renamed = {"full_name": "Octo/DEMO"}
    found = target("pull_request", with_value(PULLED, "pull_request.head.repo", renamed))
    assert found == replace(OF_THE_PULL, head_repository="Octo/DEMO")
    ran = target("workflow_run", with_value(RAN, "workflow_run.head_repository", renamed))
    assert ran
    assert not ran.is_fork


def test_a_base_that_is_not_said_is_no_base_of_ours() -> None:
    found = target("pull_request", with_value(PULLED, "pull_request.base.repo", None))
    assert found == replace(OF_THE_PULL, is_fork=True, head_repository=found.head_repository if found else "")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("check_run", CHECKED),
        ("check_run", with_value(CHECKED, "check_run.check_suite", None)),
        ("check_suite", SUITED),
        ("issue_comment", with_value(COMMENTED, "comment.performed_via_github_app", {"id": APP})),
    ],
)
def test_what_the_bot_did_itself_triggers_nothing(event: str, payload: Json) -> None:
    assert target(event, payload) is None
    assert target_of(event, payload, app_id=APP + 1) is not None


@pytest.mark.parametrize(
    ("event", "payload", "path"),
    [
        *(
            ("pull_request", PULLED, path)
            for path in (
                "pull_request",
                "pull_request.number",
                "pull_request.head.sha",
                "pull_request.base.ref",
            )
        ),
        ("issue_comment", COMMENTED, "issue.number"),
        ("push", PUSHED, "after"),
        ("merge_group", GROUPED, "merge_group.head_sha"),
        ("merge_group", GROUPED, "merge_group.base_ref"),
        ("workflow_run", RAN, "workflow_run.head_sha"),
        *(
            ("release", RELEASED, path)
            for path in ("repository", "installation", "installation.id", "repository.default_branch")
        ),
    ],
)
def test_without_what_is_needed_nothing_is_triggered(event: str, payload: Json, path: str) -> None:
    assert target(event, payload) is not None
    for value in (None, "", [], 0, NOTHING if path.endswith("sha") else {}):
        assert target(event, with_value(payload, path, value)) is None


@given(EVENTS, WILD)
def test_wild_payloads_have_a_target_or_none(event: str, payload: Any) -> None:
    target(event, payload)


@given(damaged())
def test_a_target_is_one_that_can_be_read(damage: tuple[str, Any]) -> None:
    found = target(*damage)
    if found is not None:
        assert len(found.sha) in {0, 40}
        assert found.sha or found.pull_request or found.head_ref
        assert found.definition_ref or found.pull_request
        assert found.sha != NOTHING
