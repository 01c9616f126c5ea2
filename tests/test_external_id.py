"""What a check run says of its run reads back as it was written; what anybody else wrote there reads as nothing."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.external_id import ExternalId, Face

RUN = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
KEYS = ExternalId(Face.ACTION, "4242", RUN, 1, 1_800_000_000)
TEXT = f"action:4242:{RUN}:1:1800000000"
INSTANCES = st.text("ABCXYZabcxyz0123456789-", min_size=1, max_size=40)


def test_it_is_five_words() -> None:
    assert str(KEYS) == TEXT
    assert ExternalId.parse(TEXT) == KEYS


@given(
    face=st.sampled_from(Face),
    instance=INSTANCES,
    run=st.uuids(),
    attempt=st.integers(1, 999_999),
    deadline=st.integers(1, 10**12 - 1),
)
def test_what_is_written_is_read_back(
    face: Face, instance: str, run: UUID, attempt: int, deadline: int
) -> None:
    keys = ExternalId(face, instance, run, attempt, deadline)
    assert ExternalId.parse(str(keys)) == keys


def test_it_fits_and_carries_no_address_and_no_path() -> None:
    longest = str(ExternalId(Face.ACTION, "x" * 40, RUN, 999_999, 10**12 - 1))
    assert len(longest) < 128
    assert not set(longest) & set("/\\@?&= ")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        f" {TEXT}",
        f"{TEXT} ",
        f"{TEXT}\n",
        f"\n{TEXT}",
        f"{TEXT}:",
        f"{TEXT}:1",
        f"{TEXT}\n{TEXT}",
        TEXT.upper(),
        TEXT.replace("action", "Action"),
        TEXT.replace("action", "watchdog"),
        TEXT.replace("action", ""),
        TEXT.replace("4242", ""),
        TEXT.replace("4242", "42 42"),
        TEXT.replace("4242", "../42"),
        TEXT.replace("4242", "4_2"),
        TEXT.replace("4242", "٤٢"),
        TEXT.replace("4242", "4" * 41),
        TEXT.replace("4242", "http://x"),
        TEXT.replace(str(RUN), str(RUN).upper()),
        TEXT.replace(str(RUN), RUN.hex),
        TEXT.replace(str(RUN), f"{{{RUN}}}"),
        TEXT.replace(str(RUN), RUN.urn),
        TEXT.replace(str(RUN), str(RUN)[:-1]),
        TEXT.replace(str(RUN), str(RUN).replace("c", "g")),
        TEXT.replace(str(RUN), "../../../etc/passwd"),
        TEXT.replace(":1:", ":0:"),
        TEXT.replace(":1:", ":-1:"),
        TEXT.replace(":1:", ":01:"),
        TEXT.replace(":1:", ":1.0:"),
        TEXT.replace(":1:", ":1000000:"),
        TEXT.replace(":1:", ":١:"),
        TEXT.replace("1800000000", "0"),
        TEXT.replace("1800000000", "-1"),
        TEXT.replace("1800000000", "1e9"),
        TEXT.replace("1800000000", "9" * 13),
        TEXT.replace("1800000000", "inf"),
        TEXT.replace(":", ";"),
        TEXT.replace("-", "\u2010"),
    ],
)
def test_what_is_not_of_our_making_is_nothing(text: str | None) -> None:
    assert ExternalId.parse(text) is None


@given(text=st.text() | st.from_regex(r"(action|bot|cli):\w*:[0-9a-f-]*:\d*:\d*"))
def test_any_text_is_nothing_or_exactly_what_it_says(text: str) -> None:
    keys = ExternalId.parse(text)
    assert keys is None or str(keys) == text


@given(at=st.integers(0, len(TEXT)), more=st.characters() | st.sampled_from(":-\n\0 "))
def test_one_character_too_many_is_nothing_or_says_so(at: int, more: str) -> None:
    text = TEXT[:at] + more + TEXT[at:]
    keys = ExternalId.parse(text)
    assert keys is None or (str(keys) == text and keys != KEYS)


@pytest.mark.parametrize(
    "keys",
    [
        replace(KEYS, attempt=0),
        replace(KEYS, deadline=0),
        replace(KEYS, instance="a:b"),
        replace(KEYS, instance=""),
    ],
)
def test_what_cannot_be_read_back_is_not_taken_for_something_else(keys: ExternalId) -> None:
    assert ExternalId.parse(str(keys)) is None
