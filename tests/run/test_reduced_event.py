"""The event that a run's variable holds is what OpenHands puts there, field by field."""

from typing import Any

import pytest
from hypothesis import given

from automation.run.reduced_event import reduced_event
from tests.bot.events.payloads import (
    ALICE,
    BEFORE,
    COMMENTED,
    COMMON,
    EVENTS,
    HEAD,
    HERE,
    PULL,
    PULLED,
    PUSHED,
    RELEASED,
    WILD,
    Json,
)

ANY_ISSUE = {
    "number": 7,
    "title": "Add a thing",
    "state": "open",
    "labels": [],
    "user": ALICE,
    "html_url": None,
}
ANY_PULL = {
    "number": 7,
    "title": "Add a thing",
    "state": "open",
    "draft": False,
    "merged": False,
    "base": {"ref": "main", "sha": PULL["base"]["sha"]},
    "head": {"ref": "feature", "sha": HEAD},
    "labels": [{"name": "bug", "color": "f00"}],
    "user": ALICE,
    "html_url": None,
}


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        (
            "issue_comment",
            COMMENTED,
            {
                "action": "created",
                "issue": ANY_ISSUE,
                "comment": {"id": 900, "body": "/run-automation hello", "user": ALICE, "html_url": None},
                "event_key": "issue_comment.created",
            },
        ),
        (
            "pull_request",
            PULLED,
            {
                "action": "synchronize",
                "number": 7,
                "pull_request": ANY_PULL,
                "event_key": "pull_request.synchronize",
            },
        ),
        (
            "pull_request_review",
            {**PULLED, "action": "submitted", "review": {"state": "approved", "id": 3}},
            {
                "action": "submitted",
                "review": {"state": "approved", "id": 3},
                "pull_request": ANY_PULL,
                "event_key": "pull_request_review.submitted",
            },
        ),
        (
            "push",
            PUSHED,
            {
                "ref": "refs/heads/main",
                "before": BEFORE,
                "after": HEAD,
                "commits": [{"id": HEAD, "message": "m", "author": {"name": "A"}}],
                "event_key": "push",
            },
        ),
        (
            "release",
            RELEASED,
            {
                "action": "published",
                "release": {"tag_name": "v1", "name": "One", "draft": False, "prerelease": False},
                "event_key": "release.published",
            },
        ),
        ("star", {**COMMON, "action": "created"}, {"action": "created", "event_key": "star.created"}),
    ],
)
def test_fields(event: str, payload: Json, expected: Json) -> None:
    assert reduced_event(event, payload) == {"repository": HERE, "sender": ALICE, **expected}


def test_the_owner_the_installation_and_other_fields_stay_behind() -> None:
    payload = {**COMMENTED, "repository": {**HERE, "owner": ALICE, "html_url": "x"}, "enterprise": {}}
    assert reduced_event("issue_comment", payload) == reduced_event("issue_comment", COMMENTED)
    assert "installation" not in reduced_event("issue_comment", payload)


@given(EVENTS, WILD)
def test_wild_payloads_are_reduced_too(event: str, payload: Any) -> None:
    assert "event_key" in reduced_event(event, payload)
