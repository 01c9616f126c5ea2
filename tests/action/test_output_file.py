"""Outputs as the runner reads them, by a model of its `FileCommandManager`."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.action.output_file import NotWritten, append, assignment, delimiter_for, fresh_delimiter


def read(text: str) -> dict[str, str]:
    """Names and values; only `NAME<<DELIMITER` and blank lines are expected."""
    found = {}
    lines = iter(text.split("\n"))
    for line in filter(None, lines):
        name, separator, delimiter = line.partition("<<")
        assert separator
        assert name
        assert delimiter
        value: list[str] = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        else:
            raise AssertionError("no end")
        found[name] = "\n".join(value)
    return found


wild = st.text() | st.text(st.sampled_from("ab=<\n\r END_0"), max_size=30)


@given(st.lists(wild, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_arrive_as_they_are(tmp_path: Path, values: list[str]) -> None:
    file = tmp_path / "output"
    file.write_text("earlier<<E\nby another step\nE")
    for number, value in enumerate(values):
        append(file, assignment(f"name-{number}", value, delimiter_for(value)))
    expected = {f"name-{number}": value for number, value in enumerate(values)}
    assert read(file.read_bytes().decode()) == {"earlier": "by another step", **expected}


def test_no_value_can_end_itself() -> None:
    value = "x\nEND\nother<<END\nforged"
    assert read(assignment("name", value, delimiter_for(value, draw=iter(["END", "NEXT"]).__next__))) == {
        "name": value
    }
    with pytest.raises(ValueError, match="occurs in its value"):
        assignment("name", value, "END")


def test_a_delimiter_that_is_always_in_the_value_is_not_sought_for_ever() -> None:
    with pytest.raises(ValueError, match="no delimiter"):
        delimiter_for("a", draw=lambda: "a")


def test_delimiters_cannot_be_foreseen() -> None:
    drawn = {fresh_delimiter() for _ in range(100)}
    assert len(drawn) == 100
    assert min(map(len, drawn)) >= 32


@pytest.mark.parametrize(
    ("name", "delimiter"), [("", "E"), ("a b", "E"), ("a=b", "E"), ("a<<b", "E"), ("a\n", "E"), ("a", "")]
)
def test_names_and_delimiters_are_words(name: str, delimiter: str) -> None:
    with pytest.raises(ValueError, match=r"name|delimiter"):
        assignment(name, "value", delimiter)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (b"", "a\n", b"a\n"),
        (b"x\n", "a\r\nb", b"x\na\r\nb"),
        (b"x", "a\n", b"x\na\n"),
        (b"x\r", "", b"x\r\n"),
        (None, "ü\u2028", "ü\u2028".encode()),
        (b"", "half \ud83d, \udcff", b"half ?, ?"),
    ],
)
def test_text_is_added_on_a_line_of_its_own(
    before: bytes | None, text: str, after: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "summary"
    if before is not None:
        file.write_bytes(before)
    append(file, text)
    assert file.read_bytes() == after


def test_a_place_that_takes_nothing_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="nowhere/output cannot be written: No such file or directory"):
        append(tmp_path / "nowhere" / "output", "a")
    with pytest.raises(NotWritten, match="cannot be written: Is a directory"):
        append(tmp_path, "a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "output").symlink_to("/dev/full")
    with pytest.raises(NotWritten, match="No space left"):
        append(tmp_path / "output", "a")


def test_text_of_two_writers_is_not_mixed(tmp_path: Path) -> None:
    """Both have it open, as two steps that run in parallel."""
    file = tmp_path / "summary"
    file.write_text("a\n")
    with file.open("ab", buffering=0) as other:
        append(file, "b\n" * 3)
        other.write(b"c\n")
        append(file, "d\n")
    assert file.read_text() == "a\nb\nb\nb\nc\nd\n"
