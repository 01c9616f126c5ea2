"""An event as OpenHands passes it on in `AUTOMATION_EVENT_PAYLOAD`: a few fields, and its key. Pure.

The whole event is in the file that `AUTOMATION_EVENT_PATH` names, and can be far too large for a variable.
A field that is not in the payload has the value that OpenHands' model gives it, or null.

Source: `event_schemas/github.py` of OpenHands automation 1.25.0.
"""

from collections.abc import Mapping
from typing import Any, Final

# A shape is a mapping of shapes, a list of one for every element, or the value where nothing stands.
type Shape = Mapping[str, Shape] | list[Shape] | str | bool | None

_USER: Final[Shape] = {"id": None, "login": None, "type": "User"}
_LABELS: Final[Shape] = [{"name": None, "color": ""}]
_REF: Final[Shape] = {"ref": None, "sha": None}
_PULL_REQUEST: Final[Shape] = {
    "number": None,
    "title": None,
    "state": None,
    "draft": False,
    "merged": False,
    "base": _REF,
    "head": _REF,
    "labels": _LABELS,
    "user": _USER,
    "html_url": None,
}
_ISSUE: Final[Shape] = {
    "number": None,
    "title": None,
    "state": None,
    "labels": _LABELS,
    "user": _USER,
    "html_url": None,
}
_EVERY: Final[Mapping[str, Shape]] = {
    "repository": {
        "id": None,
        "name": None,
        "full_name": None,
        "private": None,
        "default_branch": "main",
    },
    "sender": _USER,
}
_BY_EVENT: Final[Mapping[str, Mapping[str, Shape]]] = {
    "pull_request": {"action": None, "number": None, "pull_request": _PULL_REQUEST},
    "pull_request_review": {"action": None, "review": None, "pull_request": _PULL_REQUEST},
    "issues": {"action": None, "issue": _ISSUE},
    "issue_comment": {
        "action": None,
        "issue": _ISSUE,
        "comment": {"id": None, "body": None, "user": _USER, "html_url": None},
    },
    "push": {
        "ref": None,
        "before": None,
        "after": None,
        "commits": [{"id": None, "message": None, "author": None}],
    },
    "release": {
        "action": None,
        "release": {"tag_name": None, "name": None, "draft": False, "prerelease": False},
    },
}
_UNKNOWN_TO_OPENHANDS: Final[Mapping[str, Shape]] = {"action": None}


def reduced_event(event: str, payload: object) -> dict[str, Any]:
    """The event's fields that OpenHands keeps, and `event_key`; of events that it does not know, the common ones.

    Raises nothing, whatever the payload is.

    Args:
        event: its name, as the header `X-GitHub-Event` or `GITHUB_EVENT_NAME` has it.
        payload: the body, parsed.
    """
    shape = {**_EVERY, **_BY_EVENT.get(event, _UNKNOWN_TO_OPENHANDS)}
    fields: dict[str, Any] = _cut(payload if isinstance(payload, Mapping) else {}, shape)
    action = payload.get("action") if isinstance(payload, Mapping) else None
    return {**fields, "event_key": f"{event}.{action}" if action and isinstance(action, str) else event}


def _cut(value: object, shape: Shape) -> Any:
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            return None
        return {name: _cut(value.get(name), inner) for name, inner in shape.items()}
    if isinstance(shape, list):
        return [_cut(each, shape[0]) for each in value] if isinstance(value, list) else []
    return shape if value is None else value
