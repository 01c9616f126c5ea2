"""What the runner makes of our lines, by a model of how it reads them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action.workflow_commands import (
    annotation,
    command,
    end_group,
    group,
    masks,
    resume_commands,
    stop_commands,
)
from automation.redaction.secret_forms import MIN_LENGTH
from automation.result import AnnotationLevel

TOKEN = "0123456789abcdef"
IN_DATA = {"%0D": "\r", "%0A": "\n", "%25": "%"}
IN_PROPERTIES = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Name, properties and data, as `ActionCommand.TryParseV2` has them; its order of replacements, too."""
    assert line.startswith("::")
    head, separator, data = line[2:].partition("::")
    assert separator
    name, _, rest = head.partition(" ")
    properties = {}
    for each in filter(None, rest.strip().split(",")):
        key, _, value = each.partition("=")
        properties[key] = unescaped(value, IN_PROPERTIES)
    return name, properties, unescaped(data, IN_DATA)


def unescaped(text: str, mapping: dict[str, str]) -> str:
    for written, meant in mapping.items():
        text = text.replace(written, meant)
    return text


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (command("debug"), "::debug::"),
        (command("debug", "a: b, c"), "::debug::a: b, c"),
        (command("error", "50 %\r\nof", title="a:b,c%\n"), "::error title=a%3Ab%2Cc%25%0A::50 %25%0D%0Aof"),
        (command("error", "m", file=None, line=3, title=""), "::error line=3::m"),
        (
            command("error", "m", line=0, end_line=2, column=3, end_column=4, other=5),
            "::error line=0,endLine=2,col=3,endColumn=4,other=5::m",
        ),
        (command("x", "::error::y"), "::x::::error::y"),
        (group("Set-up\n::error::"), "::group::Set-up%0A::error::"),
        (end_group(), "::endgroup::"),
        (stop_commands(TOKEN), f"::stop-commands::{TOKEN}"),
        (resume_commands(TOKEN), f"::{TOKEN}::"),
    ],
)
def test_commands(written: str, line: str) -> None:
    assert written == line


# What .NET ends a line at, what Python does beyond that, and what commands are made of.
wild = st.text() | st.text(
    st.sampled_from("%0AaDd25:,;=\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029 ]#["), max_size=30
)


@given(wild, wild)
def test_whatever_the_words_it_is_one_line_and_reads_back(message: str, title: str) -> None:
    line = command("warning", message, title=f"={title}.", file="f")
    assert not re.search(r"[\r\n]", line)
    assert read(line) == ("warning", {"title": f"={title}.", "file": "f"}, message)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n", "::error"])
def test_a_name_is_none_of_somebodys_words(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        command(name)


@pytest.mark.parametrize("level", AnnotationLevel)
def test_levels_have_the_runners_words(level: AnnotationLevel) -> None:
    name, _, data = read(annotation(level, "m"))
    assert (name, data) == ("error" if level is AnnotationLevel.FAILURE else level.value, "m")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"file": "a,b", "line": 3}, {"file": "a,b", "line": "3"}),
        ({"file": "f", "line": 3, "end_line": 5}, {"file": "f", "line": "3", "endLine": "5"}),
        (
            {"file": "f", "line": 3, "column": 1, "end_column": 2},
            {"file": "f", "line": "3", "col": "1", "endColumn": "2"},
        ),
        (
            {"file": "f", "line": 3, "end_line": 3, "column": 1},
            {"file": "f", "line": "3", "endLine": "3", "col": "1"},
        ),
        (
            {"file": "f", "line": 3, "end_line": 4, "column": 1, "end_column": 2},
            {"file": "f", "line": "3", "endLine": "4"},
        ),
        ({"file": "f", "end_line": 4, "column": 1}, {"file": "f"}),
        ({"line": 3, "end_line": 4, "column": 1, "end_column": 1}, {}),
        ({"title": "T"}, {"title": "T"}),
    ],
)
def test_places(place: dict[str, str | int], shown: dict[str, str]) -> None:
    assert read(annotation(AnnotationLevel.NOTICE, "m", **place))[1] == shown  # type: ignore[arg-type]  # a table


def test_a_secret_is_masked_whole_and_line_by_line() -> None:
    key = "\n-----BEGIN KEY-----\r\n  MIIE%\r\n\r\nab\n-----END KEY-----\n"
    assert [read(line)[::2] for line in masks(key)] == [
        ("add-mask", key.strip()),
        ("add-mask", "-----BEGIN KEY-----"),
        ("add-mask", "MIIE%"),
        ("add-mask", "-----END KEY-----"),
    ]
    assert masks(" hunter2 ") == ["::add-mask::hunter2"]


@pytest.mark.parametrize("value", ["", " \n", "abc", "  abc \n", "a\nb"])
def test_what_is_too_short_is_not_masked(value: str) -> None:
    assert masks(value) == []


@given(wild)
def test_masks_are_never_blank_and_cover_every_long_line(value: str) -> None:
    masked = [read(line)[2] for line in masks(value)]
    assert all(len(part.strip()) >= MIN_LENGTH for part in masked)
    assert {line.strip() for line in value.splitlines() if len(line.strip()) >= MIN_LENGTH} <= set(masked)


@pytest.mark.parametrize("token", ["", "short", "a" * 15, "error::" + "a" * 20, "a" * 20 + "\n", "a b" * 10])
def test_a_token_that_could_be_foreseen_is_none(token: str) -> None:
    for write in (stop_commands, resume_commands):
        with pytest.raises(ValueError, match="at least 16"):
            write(token)
