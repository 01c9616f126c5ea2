"""A link shows one run to whoever has it, and nothing can be made of it for another one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pages.capability import capability_of, is_any_capability, is_capability

RUN = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
OTHER = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4f")
KEY = b"key"


def test_it_is_the_same_each_time_and_needs_no_quoting() -> None:
    capability = capability_of(KEY, RUN)
    assert capability == capability_of(KEY, UUID(str(RUN)))
    assert len(capability) == 24
    assert set(capability) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("given", ["", " ", "\u00e9", "\ud800", "a" * 24, capability_of(KEY, OTHER)])
def test_anything_else_is_none(given: str) -> None:
    assert not is_capability(KEY, RUN, given)


@given(key=st.binary(min_size=1), run=st.uuids(), at=st.integers(0, 23))
def test_it_is_whole_or_nothing(key: bytes, run: UUID, at: int) -> None:
    capability = capability_of(key, run)
    assert is_capability(key, run, capability)
    assert not is_capability(key + b"x", run, capability)
    assert not is_capability(key, run, capability[:at])
    assert not is_capability(key, run, capability[:at] + "." + capability[at + 1 :])
    assert not is_capability(key, run, capability + "=")


def test_a_rotated_key_still_opens() -> None:
    assert is_any_capability([b"new", KEY], RUN, capability_of(KEY, RUN))
    assert not is_any_capability([b"new"], RUN, capability_of(KEY, RUN))
    assert not is_any_capability([], RUN, capability_of(KEY, RUN))
