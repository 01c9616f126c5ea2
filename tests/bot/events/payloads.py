"""Payloads as GitHub sends them, down to the fields that are read, and wild ones."""

import copy
from typing import Any

from hypothesis import strategies as st

HEAD, BASE, BEFORE, TAG, OTHER = (letter * 40 for letter in "abcde")
NOTHING = "0" * 40
APP = 77

type Json = dict[str, Any]

ALICE: Json = {"id": 11, "login": "alice", "type": "User"}
ROBOT: Json = {"id": 12, "login": "dependabot[bot]", "type": "Bot"}
HERE: Json = {"id": 5, "name": "demo", "full_name": "octo/demo", "private": False, "default_branch": "main"}
FORK: Json = {
    "id": 6,
    "name": "demo",
    "full_name": "mallory/demo",
    "private": False,
    "default_branch": "main",
}
COMMON: Json = {"repository": HERE, "installation": {"id": 42}, "sender": ALICE}

PULL: Json = {
    "number": 7,
    "title": "Add a thing",
    "state": "open",
    "user": ALICE,
    "head": {"ref": "feature", "sha": HEAD, "repo": HERE},
    "base": {"ref": "main", "sha": BASE, "repo": HERE},
    "labels": [{"name": "bug", "color": "f00", "id": 1}],
}
ISSUE: Json = {"number": 7, "title": "Add a thing", "state": "open", "user": ALICE, "labels": []}
OF_PULL: Json = {"url": "https://api.github.com/repos/octo/demo/pulls/7"}
COMMENT: Json = {
    "id": 900,
    "body": "/run-automation hello",
    "user": ALICE,
    "performed_via_github_app": None,
}
CHECK: Json = {
    "id": 800,
    "head_sha": HEAD,
    "app": {"id": APP, "slug": "automation"},
    "check_suite": {"id": 700, "app": {"id": APP}},
}
SUITE: Json = {"id": 700, "head_sha": HEAD, "head_branch": "feature", "app": {"id": APP}}
GROUP: Json = {
    "head_sha": HEAD,
    "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-x",
    "base_sha": BASE,
    "base_ref": "refs/heads/main",
}
RUN: Json = {"head_sha": HEAD, "head_branch": "feature", "head_repository": HERE}

COMMENTED: Json = {
    **COMMON,
    "action": "created",
    "issue": {**ISSUE, "pull_request": OF_PULL},
    "comment": COMMENT,
}
CHECKED: Json = {**COMMON, "action": "rerequested", "check_run": CHECK}
PRESSED: Json = {
    **COMMON,
    "action": "requested_action",
    "check_run": CHECK,
    "requested_action": {"identifier": "retry"},
}
SUITED: Json = {**COMMON, "action": "rerequested", "check_suite": SUITE}
PULLED: Json = {**COMMON, "action": "synchronize", "number": 7, "pull_request": PULL}
PUSHED: Json = {
    **COMMON,
    "ref": "refs/heads/main",
    "before": BEFORE,
    "after": HEAD,
    "head_commit": {"id": HEAD},
    "commits": [{"id": HEAD, "message": "m", "author": {"name": "A"}, "added": ["f"]}],
}
GROUPED: Json = {**COMMON, "action": "checks_requested", "merge_group": GROUP}
RELEASED: Json = {**COMMON, "action": "published", "release": {"tag_name": "v1", "name": "One", "body": "b"}}
RAN: Json = {**COMMON, "action": "completed", "workflow_run": RUN}
SUSPENDED: Json = {"action": "suspend", "installation": {"id": 42}, "sender": ALICE}

PAYLOADS: list[tuple[str, Json]] = [
    ("issue_comment", COMMENTED),
    ("check_run", CHECKED),
    ("check_run", PRESSED),
    ("check_suite", SUITED),
    ("pull_request", PULLED),
    ("pull_request_review", PULLED),
    ("push", PUSHED),
    ("merge_group", GROUPED),
    ("release", RELEASED),
    ("workflow_run", RAN),
    ("issues", {**COMMON, "action": "opened", "issue": ISSUE}),
    ("installation", SUSPENDED),
]


def with_value(payload: Json, path: str, value: Any) -> Json:
    """The payload with another value at this path of keys, as in `comment.user.type`."""
    changed = copy.deepcopy(payload)
    *parents, last = path.split(".")
    place = changed
    for name in parents:
        place = place[name]
    place[last] = value
    return changed


def without(payload: Json, path: str) -> Json:
    """The payload without what stands at this path."""
    changed = with_value(payload, path, None)
    *parents, last = path.split(".")
    place = changed
    for name in parents:
        place = place[name]
    del place[last]
    return changed


def paths(document: Any, above: str = "") -> list[str]:
    """The path of everything in it that a key leads to."""
    if not isinstance(document, dict):
        return []
    here = [f"{above}{name}" for name in document]
    return here + [inner for name in document for inner in paths(document[name], f"{above}{name}.")]


NAMES = st.sampled_from(
    sorted({name for _, payload in PAYLOADS for path in paths(payload) for name in path.split(".")})
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 10**400, -1, 1e308])
    | st.floats()
    | st.text()
    | st.sampled_from([HEAD, NOTHING, "created", "rerequested", "octo/demo", "\ud800", "\0", "refs/heads/"])
)
WILD = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=8),
    max_leaves=40,
)
EVENTS = st.sampled_from(sorted({event for event, _ in PAYLOADS} | {"ping", "deployment"})) | st.text()


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """One of the payloads with a few of its values replaced by anything."""
    event, payload = draw(st.sampled_from(PAYLOADS))
    changed = copy.deepcopy(payload)
    for path in draw(st.lists(st.sampled_from(paths(payload)), min_size=1, max_size=3)):
        *parents, last = path.split(".")
        place: Any = changed
        for name in parents:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = draw(WILD)
    return event, changed
