"""What a run says of itself is read whoever of the SDK sends it; its token opens no other run."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callback import is_token, token_of
from bot.completion import LONGEST_ERROR, Completion

ID = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
KEY, OLD = b"k" * 32, b"o" * 32


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"status": "COMPLETED"}, Completion(has_failed=False)),
        ({"status": "COMPLETED", "error": None}, Completion(has_failed=False)),
        ({"status": "FAILED"}, Completion(has_failed=True)),
        ({"status": "FAILED", "error": "boom"}, Completion(has_failed=True, error="boom")),
        ({"status": "FAILED", "error": "a\nb\r\nc"}, Completion(has_failed=True, error="a b c")),
        (
            {"status": "FAILED", "error": {"code": "MaxIterations", "detail": "500 reached"}},
            Completion(has_failed=True, error="MaxIterations: 500 reached"),
        ),
        (
            {"status": "FAILED", "error": {"detail": "only that", "id": 5}},
            Completion(has_failed=True, error="only that"),
        ),
        ({"status": "FAILED", "error": {}}, Completion(has_failed=True, error="no detail")),
        ({"status": "FAILED", "error": {"kind": "x"}}, Completion(has_failed=True, error="no detail")),
        ({"status": "COMPLETED", "run_id": "x", "conversation_id": 7}, Completion(has_failed=False)),
        ({"status": "completed"}, None),
        ({"status": "RUNNING"}, None),
        ({"status": ["FAILED"]}, None),
        ({"error": "boom"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("FAILED", None),
    ],
)
def test_what_is_read(document: Any, expected: Completion | None) -> None:
    assert Completion.read(document) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["COMPLETED", "FAILED"]), JSON)
def test_whatever_the_error_is_it_is_one_short_line(status: str, error: Any) -> None:
    completion = Completion.read({"status": status, "error": error})
    assert completion is not None
    assert len(completion.error) <= LONGEST_ERROR
    assert len(completion.error.splitlines()) <= 1


def test_a_token_is_one_runs_by_any_of_the_keys() -> None:
    token = token_of(KEY, ID)
    assert is_token([KEY], ID, token)
    assert is_token([b"new" * 8, KEY], ID, token)
    assert not is_token([OLD], ID, token)
    assert not is_token([KEY], uuid4(), token)
    assert not is_token([], ID, token)


@pytest.mark.parametrize("given_token", ["", "0", token_of(KEY, ID)[:-1], token_of(KEY, ID).upper(), "größe"])
def test_nothing_else_opens(given_token: str) -> None:
    assert not is_token([KEY], ID, given_token)
