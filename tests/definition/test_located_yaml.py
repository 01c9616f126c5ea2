"""YAML with places: what is read, where it stands, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.definition.located_yaml import MAX_BYTES, MAX_VALUES, Flaw, KeyPath, YamlInvalid, parse_yaml

LAUGHS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x]"]
    + [f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)]
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("# nothing\n", None, id="only a comment"),
        pytest.param("---\na: 1\n...\n", {"a": 1}, id="document markers"),
        pytest.param("\ufeffa: 1", {"a": 1}, id="byte order mark"),
        pytest.param(
            "a: [1, x, 2.5, true, ~, 0x10]", {"a": [1, "x", 2.5, True, None, 16]}, id="plain values"
        ),
        pytest.param("a: {b: 'yes'}", {"a": {"b": "yes"}}, id="quoted boolean is text"),
        pytest.param("on: push", {"on": "push"}, id="unquoted on as key"),
        pytest.param("a: on", {"a": True}, id="on as value stays a boolean"),
        pytest.param("yes: 1", {True: 1}, id="another boolean key"),
        pytest.param("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, id="alias"),
        pytest.param("a: |\n  b\n  c\n", {"a": "b\nc\n"}, id="block text"),
    ],
)
def test_reads_plain_data(text: str, value: object) -> None:
    assert parse_yaml(text).value == value


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param((), (2, 1), id="the document"),
        pytest.param(("github",), (3, 1), id="key"),
        pytest.param(("github", "inputs", "target"), (5, 5), id="nested key"),
        pytest.param(("github", "secrets", 1), (6, 16), id="list item"),
        pytest.param(("github", "who"), (3, 1), id="missing key: its mapping"),
        pytest.param(("nowhere", "at", 3), (2, 1), id="nothing near: the document"),
    ],
)
def test_locates(path: KeyPath, place: tuple[int, int]) -> None:
    text = "# comment\nname: x\ngithub:\n  inputs:\n    target: {}\n  secrets: [A, B]\n"
    assert parse_yaml(text).locate(path) == place


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        pytest.param("a: [1\nb: 2", (2, 2), "not YAML: while parsing a flow sequence", id="syntax"),
        pytest.param("a:\n\tb: 1", (2, 1), r"found character '\t' that cannot start any token", id="tab"),
        pytest.param("a: *nope", (1, 4), "undefined alias 'nope'", id="undefined alias"),
        pytest.param("a: 1\nb: \x07", (2, 4), "the character U+0007 is not allowed", id="control character"),
        pytest.param('a: "\\UFFFFFFFF"', (1, 1), "names no character", id="escape beyond Unicode"),
        pytest.param('a: "\\ud800"', (1, 4), "lone surrogate", id="half a character"),
        pytest.param("\ud800", (1, 1), "U+D800", id="half a character, unescaped"),
        pytest.param("a: 1\n---\nb: 2", (2, 1), "a second document begins here", id="two documents"),
        pytest.param("%YAML 9.9\n--- a", (1, 1), "incompatible YAML document", id="version"),
        pytest.param("a: &a [*a]", (1, 4), "an alias that contains itself", id="recursive alias"),
        pytest.param("[" * 60, (1, 51), "nested more than 50 levels deep", id="deep"),
        pytest.param("- " * 60, (1, 101), "nested more than 50 levels deep", id="deep blocks"),
        pytest.param(LAUGHS, None, f"more than {MAX_VALUES} values", id="billion laughs"),
        pytest.param(
            "x: [" + "1," * MAX_VALUES + "]", None, f"more than {MAX_VALUES} values", id="many values"
        ),
        pytest.param("a" * (MAX_BYTES + 1), (1, 1), "larger than 256 KiB", id="large"),
        pytest.param("[a]: 1", (1, 1), "a key must be one word", id="list as key"),
        pytest.param("<<: {a: 1}", (1, 1), "merge keys", id="merge key"),
        pytest.param("a: 2024-01-01", (1, 4), "a date to YAML; put it in quotes", id="date"),
        pytest.param("a: !foo x", (1, 4), "the tag '!foo' is not plain data", id="tagged scalar"),
        pytest.param("a: !!python/object:os.system {}", (1, 4), "not plain data", id="tagged mapping"),
        pytest.param("a: !!omap [b: 1]", (1, 4), "the tag '!!omap'", id="tagged list"),
        pytest.param("a: !!map [b]", (1, 4), "the tag '!!map'", id="list tagged as a mapping"),
        pytest.param("a: !!seq {b: 1}", (1, 4), "the tag '!!seq'", id="mapping tagged as a list"),
        pytest.param("a: !!int x", (1, 4), "no whole number", id="tagged as integer"),
        pytest.param("a: !!int ''", (1, 4), "no whole number", id="empty integer"),
        pytest.param("a: !!bool maybe", (1, 4), "no boolean", id="tagged as boolean"),
        pytest.param("a: !!float x", (1, 4), "no number", id="tagged as float"),
        pytest.param("a: " + "9" * 5000, (1, 4), "too large", id="endless decimal"),
        pytest.param("a: 0x" + "f" * 90, (1, 4), "too large", id="large hexadecimal"),
        pytest.param("a: " + "1:" * 5000 + "1", (1, 4), "too large", id="endless base 60"),
    ],
)
def test_refuses(text: str, place: tuple[int, int] | None, said: str) -> None:
    with pytest.raises(YamlInvalid) as caught:
        parse_yaml(text)
    (flaw,) = caught.value.flaws
    assert said in flaw.message
    assert "\n" not in flaw.message
    assert caught.value.document is None
    if place is not None:
        assert (flaw.line, flaw.column) == place


def test_every_key_that_stands_twice_is_named_and_the_first_one_counts() -> None:
    with pytest.raises(YamlInvalid) as caught:
        parse_yaml("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert str(caught.value).splitlines() == [
        "4:3: the key 'c' stands twice, first on line 3; keep one",
        "5:1: the key 'a' stands twice, first on line 1; keep one",
    ]
    assert caught.value.document is not None
    assert caught.value.document.value == {"a": 1, "b": {"c": 1}}


def test_quoted_and_unquoted_on_are_the_same_key() -> None:
    with pytest.raises(YamlInvalid, match="the key 'on' stands twice"):
        parse_yaml("on: push\n'on': push\n")


YAML_LIKE = st.text(st.sampled_from("ab01-:,[]{}&*!|>'\"%@#?<~= \n\t\\"), max_size=60)


@given(st.text(max_size=80) | YAML_LIKE)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = parse_yaml(text)
    except YamlInvalid as invalid:
        flaws = invalid.flaws
    else:
        flaws = (Flaw(*document.locate(("some", "where")), "no flaw, but a place"),)
    assert flaws
    assert all(flaw.line > 0 and flaw.column > 0 and "\n" not in flaw.message for flaw in flaws)
