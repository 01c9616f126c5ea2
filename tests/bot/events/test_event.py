"""Each event that the bot acts on is read from the payload that GitHub sends, and from no other."""

from dataclasses import asdict
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Event, read_event
from bot.events.check_run import ActionRequested, CheckRerequested
from bot.events.check_suite import SuiteRerequested
from bot.events.fields import MAX_NUMBER
from bot.events.issue_comment import CommentCreated
from bot.events.origin import NOBODY, Origin, Person
from bot.events.pull_request import Move, PullRequestMoved
from tests.bot.events.payloads import (
    ALICE,
    APP,
    CHECKED,
    COMMENTED,
    EVENTS,
    HEAD,
    NOTHING,
    PRESSED,
    PULLED,
    ROBOT,
    SUITED,
    SUSPENDED,
    WILD,
    Json,
    damaged,
    with_value,
    without,
)

PERSON = Person(11, "alice", "User")
ORIGIN = Origin("octo/demo", 42, "main", sender=PERSON)
COMMENT_CREATED = CommentCreated(
    origin=ORIGIN,
    number=7,
    is_pull_request=True,
    comment_id=900,
    body="/run-automation hello",
    author=PERSON,
    via_app=0,
)


def comment(payload: Json) -> CommentCreated:
    found = read_event("issue_comment", payload)
    assert isinstance(found, CommentCreated)
    return found


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("issue_comment", COMMENTED, COMMENT_CREATED),
        ("check_run", CHECKED, CheckRerequested(ORIGIN, 800, APP)),
        ("check_run", PRESSED, ActionRequested(ORIGIN, 800, APP, "retry")),
        ("check_suite", SUITED, SuiteRerequested(ORIGIN, HEAD, APP)),
        ("pull_request", PULLED, PullRequestMoved(ORIGIN, 7, HEAD, Move.SYNCHRONIZE)),
    ],
)
def test_what_github_sends_is_read(event: str, payload: Json, expected: Event) -> None:
    assert read_event(event, payload) == expected


@pytest.mark.parametrize(
    ("event", "payload", "actions"),
    [
        ("issue_comment", COMMENTED, {"created"}),
        ("check_run", PRESSED, {"rerequested", "requested_action"}),
        ("check_suite", SUITED, {"rerequested"}),
        ("pull_request", PULLED, {"synchronize", "closed", "reopened"}),
    ],
)
def test_only_some_actions_ask_for_something(event: str, payload: Json, actions: set[str]) -> None:
    every: list[Any] = [
        *("created", "edited", "deleted", "completed", "requested", "rerequested", "requested_action"),
        *("opened", "closed", "reopened", "synchronize", "labeled", "removed", "added"),
        *("Created", "created ", "", None, True, ["created"], {}, 1),
    ]
    asking = [each for each in every if read_event(event, with_value(payload, "action", each)) is not None]
    assert len(asking) == len(actions)
    assert set(asking) == actions


def test_an_installation_asks_the_bot_for_nothing() -> None:
    assert read_event("installation", SUSPENDED) is None


def test_the_header_says_which_event_it_is_not_the_payload() -> None:
    for other in [
        "issues",
        "pull_request_review_comment",
        "commit_comment",
        "",
        "issue_comment\n",
        "Issue_comment",
    ]:
        assert read_event(other, COMMENTED) is None


@pytest.mark.parametrize(
    ("event", "payload", "path"),
    [
        *(("issue_comment", COMMENTED, path) for path in ("issue", "issue.number", "comment", "comment.id")),
        *(("check_run", CHECKED, path) for path in ("check_run.id", "check_run.app", "check_run.app.id")),
        *(("check_suite", SUITED, path) for path in ("check_suite.head_sha", "check_suite.app.id")),
        *(("pull_request", PULLED, path) for path in ("pull_request.number", "pull_request.head", "action")),
        *(
            (event, payload, path)
            for event, payload in [("issue_comment", COMMENTED), ("check_run", PRESSED), ("check_suite", SUITED)]
            for path in ("repository", "repository.full_name", "installation", "installation.id")
        ),
    ],
)  # fmt: skip
def test_what_lacks_a_needed_field_is_nothing(event: str, payload: Json, path: str) -> None:
    assert read_event(event, payload) is not None
    assert read_event(event, without(payload, path)) is None
    values: list[Any] = [None, [], {}, "", 0, -1, True, 2**63, 10**400, "x y", {"id": None}, 1.5, NOTHING]
    for value in values:
        assert read_event(event, with_value(payload, path, value)) is None


@pytest.mark.parametrize("body", [None, "", [], {}, 0, True, ["/run-automation hello"]])
def test_a_comment_without_a_text_asks_for_nothing(body: Any) -> None:
    assert read_event("issue_comment", with_value(COMMENTED, "comment.body", body)) is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("issue.pull_request", None, {"is_pull_request": False}),
        ("issue.pull_request", {}, {"is_pull_request": True}),
        ("issue.number", MAX_NUMBER, {"number": MAX_NUMBER}),
        ("comment.body", "a\0b\ud800c", {"body": "a\ufffdb\ufffdc"}),
        ("comment.body", "a\r\n😀", {"body": "a\r\n😀"}),
        ("comment.user", ROBOT, {"author": Person(12, "dependabot[bot]", "Bot")}),
        ("comment.user", None, {"author": NOBODY}),
        ("comment.user", {"id": 11, "login": "a/../b", "type": "User"}, {"author": NOBODY}),
        ("comment.user", {"id": 0, "login": "alice", "type": "User"}, {"author": NOBODY}),
        ("comment.user", {"id": 11, "login": "alice", "type": None}, {"author": Person(11, "alice", "")}),
        ("comment.performed_via_github_app", {"id": APP}, {"via_app": APP}),
        ("comment.performed_via_github_app", "automation", {"via_app": 0}),
    ],
)
def test_a_comment_is_read_as_it_is(path: str, value: Any, expected: Json) -> None:
    assert asdict(comment(with_value(COMMENTED, path, value))) == asdict(COMMENT_CREATED) | {
        name: asdict(each) if isinstance(each, Person) else each for name, each in expected.items()
    }


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("repository.default_branch", None, {"default_branch": ""}),
        ("sender", ROBOT, {"sender": Person(12, "dependabot[bot]", "Bot")}),
        ("sender", None, {"sender": NOBODY}),
        ("sender", "alice", {"sender": NOBODY}),
    ],
)
def test_an_origin_is_read_with_care(path: str, value: Any, expected: Json) -> None:
    origin = comment(with_value(COMMENTED, path, value)).origin
    assert {name: getattr(origin, name) for name in expected} == expected


@pytest.mark.parametrize(
    "name",
    ["octo", "octo/", "/demo", "octo/demo/x", "octo/..", "octo/.", "../demo", "octo/de mo", "octo/demo\n", "öcto/demo",
     "octo/demo?x", "octo%2fdemo", "octo\\demo", "octo/" + "x" * 101, ["octo/demo"], 5],
)  # fmt: skip
def test_a_repositorys_name_is_taken_in_one_form_only(name: Any) -> None:
    assert read_event("issue_comment", with_value(COMMENTED, "repository.full_name", name)) is None


@pytest.mark.parametrize(
    "name", ["o/d", "octo-1/demo.py", "octo_company/_", "0/.github", "o/...", "octo/" + "x" * 100]
)
def test_repositories_have_many_names(name: str) -> None:
    assert comment(with_value(COMMENTED, "repository.full_name", name)).origin.repository == name


def test_only_users_are_users() -> None:
    assert PERSON.is_user
    for kind in ("Bot", "Organization", "Mannequin", "user", "", "User "):
        assert not Person(11, "alice", kind).is_user
    assert not NOBODY.is_user


def test_a_button_without_a_name_is_no_button_of_ours() -> None:
    found = read_event("check_run", with_value(PRESSED, "requested_action", None))
    assert isinstance(found, ActionRequested)
    assert found.identifier == ""


def test_a_pull_request_moves_when_its_base_does_and_not_when_its_title_does() -> None:
    edited = with_value(PULLED, "action", "edited")
    assert read_event("pull_request", {**edited, "changes": {"title": {"from": "x"}}}) is None
    assert read_event("pull_request", edited) is None
    moved = read_event("pull_request", {**edited, "changes": {"base": {"ref": {"from": "next"}}}})
    assert moved == PullRequestMoved(ORIGIN, 7, HEAD, Move.EDITED)


def test_a_nobody_moves_a_pull_request_too() -> None:
    moved = read_event("pull_request", with_value(PULLED, "sender", None))
    assert isinstance(moved, PullRequestMoved)


@given(EVENTS, WILD)
def test_wild_payloads_are_nothing_or_an_event(event: str, payload: Any) -> None:
    assert read_event(event, payload) is None or isinstance(
        read_event(event, payload), get_args(Event.__value__)
    )


@given(damaged())
def test_damaged_payloads_are_nothing_or_an_event_that_can_be_stored(damage: tuple[str, Any]) -> None:
    found = read_event(*damage)
    if found is None:
        return
    storable(asdict(found))


def storable(value: Any) -> None:
    match value:
        case dict():
            for each in value.values():
                storable(each)
        case tuple():
            for each in value:
                storable(each)
        case str():
            assert "\0" not in value
            value.encode()
        case int():
            assert 0 <= value <= MAX_NUMBER
        case _:
            raise AssertionError(value)


@given(st.integers(1, 20_000))
def test_depth_is_no_matter(depth: int) -> None:
    deep: Any = ALICE
    for _ in range(depth):
        deep = {"comment": deep, "issue": deep}
    assert read_event("issue_comment", {**COMMENTED, "comment": deep}) is None
