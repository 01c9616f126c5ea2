"""However output arrives, a page shows the same lines, none twice, none lost, and nothing that acts."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.output.terminal import plain
from bot.pages.output import LONGEST, Lines, inert, text_of
from bot.runs.piece import Piece

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
wild = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\x1b]0;t\x07", b"\b", b"\xff", b"\xe2\x80\xae", b"\0"]
        ),
        st.text(max_size=5).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=4),
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("50 %\rdone", "done"),
        ("a\u202egnp.exe", "a[U+202E]gnp.exe"),
        ("\u2066isolated\u2069", "[U+2066]isolated[U+2069]"),
        ("\u05e9\u05dc\u05d5\u05dd\u200f", "\u05e9\u05dc\u05d5\u05dd\u200f"),
        ("::error::x\n<b>", "::error::x\n<b>"),
        ("nul\0", "nul"),
    ],
)
def test_inert_text_reads_as_it_is(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(data=wild, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_the_cuts_do_not_show(data: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    lines = Lines()
    shown = "".join(lines.feed(Piece(start, data[start:end])) for start, end in pairwise(edges))
    end = data.rfind(b"\n") + 1
    assert shown == inert(data[:end].decode("utf-8", "replace"))
    assert lines.offset == end
    assert not ACTING.search(shown + lines.unfinished)


@given(data=wild, cut=st.integers(0, 200), back=st.integers(0, 50))
def test_going_on_repeats_and_loses_nothing(data: bytes, cut: int, back: int) -> None:
    before = Lines()
    shown = before.feed(Piece(0, data[:cut]))
    after = Lines(before.offset)
    start = max(0, before.offset - back)
    shown += after.feed(Piece(start, data[start:]))
    assert shown == Lines().feed(Piece(0, data))


def test_the_line_that_is_being_written_stands_apart() -> None:
    lines = Lines()
    assert lines.feed(Piece(0, b"one\n50 %\r70")) == "one\n"
    assert lines.unfinished == "70"
    assert lines.offset == 4
    assert lines.feed(Piece(11, " % \U0001f389".encode()[:-2])) == ""
    assert lines.unfinished == "70 % "


def test_what_is_not_kept_is_said() -> None:
    text, lines = text_of([Piece(0, b"head\nhalf a li"), Piece(2000, b"ne\nlong enough for a cut\nend\n")])
    assert text == "head\nhalf a li\n… 2.0 kB left out …\nlong enough for a cut\nend\n"
    assert lines.offset == 2029


def test_a_line_without_end_is_shown_in_parts() -> None:
    lines = Lines()
    data = "\u00e9".encode() * LONGEST
    shown = lines.feed(Piece(0, data[:-1]))
    assert shown == "\u00e9" * (LONGEST - 1)
    assert lines.offset == len(data) - 2
    assert lines.feed(Piece(len(data) - 1, data[-1:] + b"\n")) == "\u00e9\n"


def test_nothing_is_nothing() -> None:
    assert text_of([])[0] == ""
    assert plain("") == Lines().unfinished == ""
