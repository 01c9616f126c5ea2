"""Which events an App may ask to be told of, by its permissions.

https://docs.github.com/webhooks/webhook-events-and-payloads names for each event the permission to read.
"""

from collections.abc import Iterable, Mapping

from tests.fakes.github.apps import covers

PERMISSIONS = {
    "check_run": "checks",
    "check_suite": "checks",
    "issue_comment": "issues",
    "issues": "issues",
    "merge_group": "merge_queues",
    "pull_request": "pull_requests",
    "push": "contents",
    "release": "contents",
}


def may_read(permissions: Mapping[str, str], event: str) -> bool:
    """Whether an App with these permissions may be told of an event; what the fake does not know it may."""
    return event not in PERMISSIONS or covers(permissions, PERMISSIONS[event], "read")


def events_of(permissions: Mapping[str, str]) -> list[str]:
    """All that an App with these permissions can ask for, of what the fake knows."""
    return [event for event in PERMISSIONS if may_read(permissions, event)]


def judge_events(permissions: Mapping[str, str], events: Iterable[str]) -> None:
    """Raises: ValueError, for events that GitHub would not let such an App ask for."""
    for event in events:
        if not may_read(permissions, event):
            raise ValueError(
                f"an App needs {PERMISSIONS[event]}: read to be told of {event}; it has {dict(permissions)}"
            )
