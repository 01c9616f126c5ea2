"""By its name alone an event is known that can neither ask for anything nor trigger anything."""

import pytest

from bot.events.relevance import CLICKS, may_ask, may_trigger


@pytest.mark.parametrize(
    ("event", "action", "may"),
    [
        ("issue_comment", "created", True),
        ("pull_request", "synchronize", True),
        ("push", "", True),
        ("release", "published", True),
        ("event_of_tomorrow", "", True),
        ("check_run", "rerequested", True),
        ("check_run", "requested_action", True),
        ("check_run", "created", False),
        ("check_run", "completed", False),
        ("check_suite", "rerequested", True),
        ("check_suite", "requested", False),
        ("status", "", False),
        ("workflow_job", "queued", False),
        ("deployment", "created", False),
        ("deployment_status", "created", False),
        ("ping", "", False),
        ("meta", "deleted", False),
    ],
)
def test_what_may_ask_for_something(event: str, action: str, may: bool) -> None:
    assert may_ask(event, action) is may
    assert may_trigger(event) is (may and event not in CLICKS)
