"""A comment is found again by its marker, and by no other one's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import read_command
from bot.replies import key_of, marker


@pytest.mark.parametrize("key", ["status/review", "reply/42", "a:b/c-d", "x" * 200])
def test_a_key_is_written_as_it_is(key: str) -> None:
    assert marker(key) == f"<!-- automation-bot:{key} -->"
    assert key_of(f"{marker(key)}\n@alice Hello") == key


@pytest.mark.parametrize(
    "key",
    ["status/My_Review", "status/a--b", "refused/dependabot[bot]", "", "-", "x" * 201, "é", "\ud800", "-->"],
)
def test_any_other_is_written_as_a_likeness(key: str) -> None:
    found = key_of(marker(key))
    assert found is not None
    assert found != key
    assert "--" not in found


@given(one=st.text(max_size=300), other=st.text(max_size=300))
def test_different_keys_have_different_markers(one: str, other: str) -> None:
    assert (marker(one) == marker(other)) is (one == other)


@given(key=st.text(max_size=300), text=st.text(max_size=50))
def test_the_key_is_found_in_the_comment_and_hidden_from_its_readers(key: str, text: str) -> None:
    assert key_of(f"{marker(key)}\n{text}") == key_of(marker(key))
    assert marker(key).isprintable()
    assert len(marker(key)) < 230
    assert read_command(marker(key)) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        f"hello {marker('status/review')}",
        f"\n{marker('status/review')}",
        "<!-- automation-bot: -->",
        "<!-- automation-bot:STATUS -->",
        f"<!-- automation-bot:{'x' * 201} -->",
        "<!-- another-bot:status/review -->",
    ],
)
def test_other_comments_have_none(body: str) -> None:
    assert key_of(body) is None
