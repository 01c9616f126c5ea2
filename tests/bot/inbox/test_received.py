"""Of a delivery that much is remembered which can be, whatever is in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.hook import Attempt
from bot.inbox.received import MAX_TEXT, delivery_of, of_no_concern
from bot.store.deliveries import Delivery
from tests.bot.events.payloads import WILD

PAYLOAD: dict[str, Any] = {
    "action": "created",
    "repository": {"full_name": "octo/demo"},
    "installation": {"id": 42},
    "sender": {"login": "alice"},
    "issue": {"number": 7},
}


def received(payload: Any, *, is_request: bool = True) -> Delivery:
    return delivery_of("a-guid", "issue_comment", payload, b"{}", 1000.5, is_request=is_request)


def test_what_was_taken_in_is_remembered_with_its_body() -> None:
    assert received(PAYLOAD) == Delivery(
        guid="a-guid",
        event="issue_comment",
        action="created",
        repository="octo/demo",
        installation=42,
        sender="alice",
        lane="octo/demo#7",
        received_at=1000.5,
        payload=b"{}",
        is_request=True,
    )
    assert received(PAYLOAD, is_request=False).payload == b""


@pytest.mark.parametrize(
    ("conversation", "lane"),
    [({"issue": {"number": 7}}, "octo/demo#7"), ({"pull_request": {"number": 8}}, "octo/demo#8"), ({}, "a-guid")],
)  # fmt: skip
def test_what_is_about_one_conversation_is_of_one_lane(conversation: dict[str, Any], lane: str) -> None:
    assert received({"repository": {"full_name": "octo/demo"}, **conversation}).lane == lane


def test_names_are_no_longer_than_github_makes_them() -> None:
    found = received({**PAYLOAD, "action": "a" * 1000, "sender": {"login": 5}})
    assert (found.action, found.sender) == ("a" * MAX_TEXT, "")


@given(st.dictionaries(st.sampled_from(sorted(PAYLOAD)), WILD))
def test_wild_payloads_are_remembered_too(payload: Any) -> None:
    assert received(payload).guid == "a-guid"


def test_what_came_before_the_bot_asks_for_nothing() -> None:
    found = of_no_concern(Attempt(1, "a-guid", "push", "", 1000.0, is_received=False))
    assert (found.guid, found.event, found.received_at) == ("a-guid", "push", 1000.0)
    assert (found.payload, found.is_request) == (b"", False)
