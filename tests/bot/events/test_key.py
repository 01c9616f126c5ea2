"""An event's key is what OpenHands would call it, without a guess."""

from typing import Any

import pytest
from hypothesis import given

from bot.events import key_of
from tests.bot.events.payloads import EVENTS, PULLED, WILD


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("pull_request", PULLED, "pull_request.synchronize"),
        ("pull_request_review_comment", {**PULLED, "action": "created"}, "pull_request_review_comment.created"),
        ("push", {"ref": "refs/heads/main"}, "push"),
        ("issues", {"action": "opened"}, "issues.opened"),
        ("workflow_run", {"action": "completed"}, "workflow_run.completed"),
        ("repository_dispatch", {"action": "on-demand-test"}, "repository_dispatch.on-demand-test"),
        ("projects_v2_item", {"action": "edited"}, "projects_v2_item.edited"),
        ("event_of_tomorrow", {"action": "came"}, "event_of_tomorrow.came"),
        ("push", {"action": None}, "push"),
        ("push", {"action": ""}, "push"),
        ("push", {"action": ["opened"]}, "push"),
        ("push", {"action": 1}, "push"),
        ("push", [], "push"),
        ("push", None, "push"),
        ("", {"action": "opened"}, None),
        ("Push", {}, None),
        ("push\n", {}, None),
        ("pull request", {}, None),
        ("pull.request", {}, None),
        ("*", {}, None),
        ("x" * 65, {}, None),
    ],
)  # fmt: skip
def test_keys(event: str, payload: Any, expected: str | None) -> None:
    assert key_of(event, payload) == expected


@given(EVENTS, WILD)
def test_wild_events_have_a_key_or_none(event: str, payload: Any) -> None:
    key = key_of(event, payload)
    assert key is None or key == event or key.startswith(f"{event}.")
