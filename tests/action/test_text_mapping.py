"""Mappings as people write them into workflows, and as expressions leave them there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action.text_mapping import MAX_BYTES, Kind, read_mapping

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE#: [x]\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param(" \n# only a comment\n", {}, id="a comment"),
        pytest.param("null", {}, id="null, as toJSON writes what is not there"),
        pytest.param("{}", {}, id="an empty object"),
        pytest.param(" {\n } \n", {}, id="an empty object, spread out"),
        pytest.param("A: 1.10\nB: yes\nC: 0x10\nD: 2024-01-01\nE: 1_000\nF: .inf", None, id="no YAML types"),
        pytest.param("A: 'b: c'\nB: \"d\\ne\"\n", {"A": "b: c", "B": "d\ne"}, id="quotes"),
        pytest.param("A: |\n  b\n  c\nB: >-\n  d\n  e\n", {"A": "b\nc\n", "B": "d e"}, id="blocks"),
        pytest.param("A:\nB: ~\nC: null\nD: ''\n", dict.fromkeys("ABCD", ""), id="empty in YAML"),
        pytest.param("A: 'null'\nB: \"~\"\n", {"A": "null", "B": "~"}, id="null in quotes is text"),
        pytest.param("{A: b, C: 'd'}", {"A": "b", "C": "d"}, id="YAML in braces"),
        pytest.param('{"A": "b",}', {"A": "b"}, id="a comma too many"),
        pytest.param("%YAML 1.2\n---\nA: on\n...\n", {"A": "on"}, id="document markers"),
        pytest.param("A: &x b", {"A": "b"}, id="an anchor that nobody uses"),
        pytest.param("A: !!str 1\nB: ! 2", {"A": "1", "B": "2"}, id="tagged as text"),
        pytest.param(
            '{"A": true, "B": false, "C": null, "D": 1.0, "E": 1e5, "F": -0, "G": "\\u00fc\\/\\ud83d\\ude00"}',
            {"A": "true", "B": "false", "C": "", "D": "1.0", "E": "1e5", "F": "-0", "G": "ü/😀"},
            id="JSON's words as written",
        ),
        pytest.param(f'{{"A": "{PEM}"}}', {"A": PEM}, id="line breaks that were pasted into JSON"),
        pytest.param('{"A":\t"b"\t}', {"A": "b"}, id="tabs in JSON"),
        pytest.param('{"A": "\x7f\ufffe"}', {"A": "\x7f\ufffe"}, id="characters that YAML refuses"),
        pytest.param(f"A: {json.dumps(PEM)}\nB: c", {"A": PEM, "B": "c"}, id="toJSON in YAML"),
    ],
)
def test_values_are_text_as_written(text: str, values: dict[str, str] | None) -> None:
    expected = values
    if expected is None:
        expected = {"A": "1.10", "B": "yes", "C": "0x10", "D": "2024-01-01", "E": "1_000", "F": ".inf"}
    for kind in Kind:
        found = read_mapping(kind, text)
        assert (found.values, found.complaints) == (expected, [])


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@given(st.dictionaries(names, texts), st.sampled_from([None, 2, "\t"]), st.booleans())
def test_what_tojson_writes_is_read_back(
    values: dict[str, str], indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    found = read_mapping(Kind.SECRETS, text)
    assert (found.values, found.complaints) == (values, [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "A: 1\nB: [x]", "line 2: the value of 'B' is a list; expected text, a number", id="list"
        ),
        pytest.param("A: {x: 1}", "line 1: the value of 'A' is a mapping", id="mapping"),
        pytest.param('{\n"A": 1,\n"B":\n[[2], {}]}', "line 3: the value of 'B' is a list", id="list in JSON"),
        pytest.param('{"A": {"x": 1}}', "line 1: the value of 'A' is a mapping", id="object in JSON"),
        pytest.param("A: &a x\nB: *a", "line 2: the value of 'B' is an alias", id="alias"),
        pytest.param("A: !!binary eHh4", "line 1: the value of 'A' is something with a tag", id="tag"),
        pytest.param("A: x\nB: y\nA: z", "line 3: 'A' stands twice; keep one", id="twice"),
        pytest.param('{"A": 1,\n"A": 2}', "line 2: 'A' stands twice; keep one", id="twice in JSON"),
        pytest.param("[a]: x", "line 1: expected a name", id="list as a name"),
        pytest.param("? \n: x", "line 1: expected a name", id="no name"),
        pytest.param('{"": 1}', "line 1: expected a name", id="no name in JSON"),
        pytest.param('{"A": "\\u0000"}', "the value of 'A' has a NUL", id="NUL"),
        pytest.param('{"A": "\\ud800"}', "the value of 'A' has a NUL or half a character", id="surrogate"),
        pytest.param("- a\n- b", "line 1: expected a mapping", id="a list"),
        pytest.param("just text", "line 1: expected a mapping", id="text"),
        pytest.param("*a", "line 1: expected a mapping", id="an alias"),
        pytest.param("A: x\n---\nB: y", "line 2: a second document begins here", id="two documents"),
        pytest.param("A: x\nB: 'y", "line 2: neither YAML nor JSON; write `NAME: ${{ toJSON", id="syntax"),
        pytest.param('{"A": "x"} B', "line 1: neither YAML nor JSON", id="more behind JSON"),
        pytest.param("A: x\n\tB: y", "line 2: neither YAML nor JSON", id="tab"),
        pytest.param("A: x\nB: \x07", "line 2: it holds a character", id="control character"),
        pytest.param('A: "\\UFFFFFFFF"', "line 1: an escape in double quotes", id="escape beyond Unicode"),
        pytest.param("A: " + "[" * 200_000, "line 1: nested too deeply", id="deep"),
        pytest.param('{"A": ' + "[" * 200_000, "line 1: nested too deeply", id="deep in JSON"),
        pytest.param("A: " + "x" * MAX_BYTES, "expected at most 1 MiB of text", id="large"),
        pytest.param("A: " + "ü" * (MAX_BYTES // 2), "expected at most 1 MiB of text", id="large in bytes"),
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_mistakes(kind: Kind, text: str, complaint: str) -> None:
    (said,) = read_mapping(kind, text).complaints
    assert said.startswith(f"{kind}: ")
    assert complaint in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (Kind.INPUTS, "pull-request", ""),
        (Kind.INPUTS, "UID", ""),
        (Kind.ENVIRONMENT, "A_1", ""),
        (Kind.ENVIRONMENT, "a-b", "'a-b' is no environment variable's; expected letters, digits and _"),
        (Kind.ENVIRONMENT, "1A", "'1A' is no environment variable's"),
        (Kind.ENVIRONMENT, "ü", "'ü' is no environment variable's"),
        (Kind.ENVIRONMENT, "BASHOPTS", "'BASHOPTS' is read-only in bash"),
        (Kind.SECRETS, "BASHOPTS", ""),
        (Kind.SECRETS, "a-b", "a name there is no environment variable's"),
    ],
)
def test_names(kind: Kind, name: str, said: str) -> None:
    for text in (f"{name}: x", json.dumps({name: "x"}, ensure_ascii=False)):
        found = read_mapping(kind, text)
        assert found.values == {name: "x"}
        assert len(found.complaints) == bool(said)
        assert said in "".join(found.complaints)


def test_all_mistakes_are_named_at_once_and_the_first_ten_in_full() -> None:
    said = read_mapping(Kind.ENVIRONMENT, "".join(f"{n}X: 1\n" for n in range(9))).complaints
    assert [line[:12] for line in said] == [f"env: line {n + 1}:" for n in range(9)]
    said = read_mapping(Kind.ENVIRONMENT, "".join(f"{n}X: 1\n" for n in range(30))).complaints
    assert len(said) == 11
    assert said[-1] == "env: 20 more of its lines are wrong"


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"KEY: {SECRET}: x",
        f"KEY: *{SECRET}",
        f"KEY: x\n  y\n{SECRET}\nOTHER: z",
        f"KEY: !{SECRET} x",
        f"KEY: !{SECRET}!x y",
        f"KEY: x\n{SECRET}-line: y",
        f"- {SECRET}",
        f'{{"KEY": "x"y{SECRET}"}}',
        f'{{"KEY": ["{SECRET}"]}}',
        f'{{"KEY": "{SECRET}\\u0000"}}',
        f"KEY: '{SECRET}\nOTHER: x",
        f"? [{SECRET}]\n: x",
        f"%YAML {SECRET}\n---\nKEY: x",
        f"{SECRET}\x07",
        f'KEY: "\\{SECRET}"',
        f"&{SECRET} &{SECRET} KEY: x",
    ],
)
def test_no_secret_is_quoted(text: str) -> None:
    said = read_mapping(Kind.SECRETS, text).complaints
    assert said
    assert SECRET not in "".join(said)


YAML_LIKE = st.text(st.sampled_from("AB01-:,[]{}&*!|>'\"%@#?<~= \n\t\\"), max_size=60)


@given(st.sampled_from(Kind), st.text(max_size=80) | YAML_LIKE)
def test_any_text_is_read_or_refused(kind: Kind, text: str) -> None:
    found = read_mapping(kind, text)
    assert all(said.startswith(f"{kind}: ") and "\n" not in said for said in found.complaints)
    if not found.complaints:
        assert all("\0" not in value for value in found.values.values())
