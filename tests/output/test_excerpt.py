"""The two ends of an output, the gap between them told, and the first error wherever it stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.output.excerpt import Excerpt, left_out
from automation.output.first_error import LINE_CAP, FirstError


def excerpt_of(*chunks: bytes, head: int = 40, tail: int = 40) -> Excerpt:
    excerpt = Excerpt(head, tail)
    for chunk in chunks:
        excerpt.feed(chunk)
    return excerpt


def test_a_short_output_is_kept_whole() -> None:
    excerpt = excerpt_of(b"one\n", b"two\n", b"\xff\n")
    assert excerpt.text() == "one\ntwo\n\ufffd\n"
    assert (excerpt.total, excerpt.truncated) == (10, False)
    assert excerpt.last_lines(2) == ["two", "\ufffd"]


def test_a_long_output_keeps_both_ends_at_line_boundaries() -> None:
    excerpt = excerpt_of(*(b"line %03d\n" % n for n in range(1000)))
    kept = [
        *(f"line {n:03}" for n in range(4)),
        "… 8.9 kB left out …",
        *(f"line {n:03}" for n in range(996, 1000)),
    ]
    assert excerpt.text().splitlines() == kept
    assert excerpt.truncated
    assert excerpt.last_lines(2) == ["line 998", "line 999"]
    assert len(excerpt.last_lines(100)) == 4


def test_the_default_keeps_256_kib_and_1_mib() -> None:
    excerpt = excerpt_of(*[b"0123456789abcde\n" * 4096] * 64, head=256 * 1024, tail=1024 * 1024)
    assert excerpt.total == 4 * 1024 * 1024
    head, _, tail = excerpt.text().partition("\n… 2.9 MB left out …\n")
    assert len(head) + 1 == 256 * 1024
    assert 0 <= 1024 * 1024 - len(tail) <= 16


def test_what_is_kept_is_both_ends() -> None:
    assert excerpt_of(b"0123").kept == (b"0123", b"")
    assert excerpt_of(b"0123456789", head=4, tail=4).kept == (b"0123", b"6789")
    assert excerpt_of(*[b"x"] * 7, b"0123", head=4, tail=4).kept == (b"xxxx", b"0123")


@given(st.lists(st.binary(max_size=12), max_size=20), st.integers(0, 100))
def test_what_came_since_is_what_is_kept_of_it(chunks: list[bytes], offset: int) -> None:
    excerpt, whole = excerpt_of(*chunks, head=20, tail=20), b"".join(chunks)
    pieces = excerpt.since(offset)
    assert all(data and whole[start : start + len(data)] == data for start, data in pieces)
    kept = {*range(min(20, len(whole))), *range(max(len(whole) - 20, 0), len(whole))}
    given_bytes = [at for start, data in pieces for at in range(start, start + len(data))]
    assert given_bytes == sorted(at for at in kept if at >= offset)


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=20))
def test_whoever_asks_often_enough_misses_nothing(chunks: list[bytes]) -> None:
    excerpt, seen = Excerpt(4, 10), b""
    for chunk in chunks:
        excerpt.feed(chunk)
        for start, data in excerpt.since(len(seen)):
            assert start == len(seen)
            seen += data
    assert seen == b"".join(chunks)


@pytest.mark.parametrize(
    ("size", "line"),
    [
        (0, "… 0 bytes left out …"),
        (999, "… 999 bytes left out …"),
        (12_345, "… 12.3 kB left out …"),
        (999_999, "… 1.0 MB left out …"),
        (12_345_678, "… 12.3 MB left out …"),
    ],
)
def test_sizes_read_well(size: int, line: str) -> None:
    assert left_out(size) == line


@pytest.mark.parametrize("text", ["", "\n\n", "  \n"])
def test_nothing_has_no_lines(text: str) -> None:
    assert excerpt_of(text.encode()).last_lines(5) == []
    assert excerpt_of(b"a\nb").last_lines(0) == []


@given(
    text=st.text(alphabet="aé€🎉\n", max_size=400),
    head=st.integers(0, 30),
    tail=st.integers(1, 30),
    size=st.integers(1, 50),
)
def test_no_cut_breaks_a_character(text: str, head: int, tail: int, size: int) -> None:
    data = text.encode()
    excerpt = excerpt_of(*(data[i : i + size] for i in range(0, len(data), size)), head=head, tail=tail)
    shown = excerpt.text()
    assert "\ufffd" not in shown
    assert "\ufffd" not in "".join(excerpt.last_lines(3))
    assert excerpt.truncated == (len(data) > head + tail)
    if excerpt.truncated:
        before, _, rest = shown.partition("… ")
        assert text.startswith(before.removesuffix("\n"))
        assert text.endswith(rest.partition(" left out …\n")[2])
    else:
        assert shown == text


@given(chunks=st.lists(st.binary(max_size=300), max_size=20))
def test_memory_stays_bounded(chunks: list[bytes]) -> None:
    excerpt = Excerpt(50, 70)
    for chunk in chunks:
        excerpt.feed(chunk)
        assert len(excerpt._head) <= 50
        assert len(excerpt._tail) <= 2 * 70
    assert excerpt.total == sum(map(len, chunks))
    excerpt.text()


@pytest.mark.parametrize(
    "line",
    [
        "error: pathspec 'x' did not match",
        "Error: Cannot find module 'x'",
        "main.c:3:5: error: expected ';'",
        "src/x.ts(3,5): error TS2304: Cannot find name",
        "error[E0308]: mismatched types",
        "2026-01-01 12:00:00 ERROR app: it broke",
        "[ERROR] it broke",
        "fatal: not a git repository",
        "ValueError: bad",
        "KeyError",
        "java.lang.IllegalStateException: bad",
        'Exception in thread "main" x',
        "FAILED tests/test_x.py::test_y - assert 1 == 2",
        "--- FAIL: TestX (0.00s)",
        "E       assert 1 == 2",
        "panic: runtime error",
        "npm ERR! code E404",
        "bash: foo: command not found",
        "\x1b[31mERROR\x1b[0m it broke",
    ],
)
def test_what_looks_like_an_error(line: str) -> None:
    first = FirstError()
    first.feed(f"all is well\n{line}\nmore\n".encode())
    assert first.line == line.replace("\x1b[31m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize(
    "line",
    [
        "0 errors",
        "0 errors, 0 warnings",
        "Found no error: all clean",
        "no errors found",
        "0 error: done",
        "errors: 0",
        "Error: 0",
        "error: none",
        "0 FAILED",
        "FAILED: 0, PASSED: 3",
        "FAIL=0",
        "test_errors_are_raised ok",
        "test_error ok",
        "LOG_LEVEL=ERROR",
        "--on-error: stop",
        '"error": null',
        "the terror: a film",
        "ON_ERROR_STOP",
        "it is fatal to ignore it",
        "raises Exception as expected",
        "hello world",
    ],
)
def test_what_is_no_error(line: str) -> None:
    first = FirstError()
    first.feed(f"{line}\n".encode())
    assert first.line is None


TRACEBACK = b"""ok
Traceback (most recent call last):
  File "x.py", line 1, in <module>
    boom()
    ~~~~^^
ValueError: boom
later
"""


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("margin", [b"", b"    ", b"web_1  | "])
def test_a_traceback_is_known_by_its_last_line(size: int, margin: bytes) -> None:
    data = b"".join(margin + line for line in TRACEBACK.splitlines(keepends=True))
    first = FirstError()
    for i in range(0, len(data), size):
        first.feed(data[i : i + size])
    assert first.line == "ValueError: boom"


def test_an_exception_group_is_known_by_its_name() -> None:
    first = FirstError()
    first.feed(
        b"  + Exception Group Traceback (most recent call last):\n  |   File x\n  | ExceptionGroup: two (2 sub)\n"
    )
    assert first.line == "ExceptionGroup: two (2 sub)"


def test_a_traceback_that_is_cut_off_still_counts() -> None:
    first = FirstError()
    first.feed(b"Traceback (most recent call last):\n  File")
    assert first.line == "Traceback (most recent call last):"
    first.feed(b" x\nOSError: gone")
    assert first.line == "OSError: gone"


def test_the_first_error_survives_in_the_middle_and_is_capped() -> None:
    noise = b"fine\n" * 1000
    excerpt = excerpt_of(noise, b"err", b"or: " + b"x" * 9000 + b"\n", noise, b"error: second\n")
    assert excerpt.first_error == "error: " + "x" * 493
    assert "xxx" not in excerpt.text()


def test_an_endless_line_costs_no_memory() -> None:
    first = FirstError()
    for _ in range(100):
        first.feed(b"error: " * 1000)
    assert len(first._begun) <= LINE_CAP
    assert first.line is not None
