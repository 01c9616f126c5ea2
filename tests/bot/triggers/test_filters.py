"""Filters say what they say in OpenHands; none of them fails, hangs or fills the memory."""

import logging
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.triggers.filters import MAX_COPIES, MAX_FILTER, complaints, is_match
from tests.bot.events.payloads import WILD

EVENT = {
    "action": "created",
    "comment": {"body": "Please look at this, @OpenHands-Resolver"},
    "issue": {"pull_request": {}, "number": 7},
    "pull_request": {"number": 7, "labels": [{"name": "bug"}, {"name": "ui"}], "draft": False},
    "repository": {"full_name": "octo/demo"},
    "ref": "refs/tags/v1.0.0",
    "commits": [{"message": f"change {number}"} for number in range(20)],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The cases of the contract, checked there against the service.
        ("icontains(nosuch.body, 'x')", False),
        ("nosuch && icontains(nosuch.body, 'x')", False),
        ("comment && icontains(comment.body, '@openhands')", True),
        ("nosuch(a)", False),
        ("pull_request.number == `7`", True),
        ("pull_request.number == 7", False),
        ("issue.pull_request", False),
        ("issue.pull_request != `null`", True),
        ("contains(pull_request.labels[].name, 'bug')", True),
        ("contains(pull_request.labels[].name, 'bu')", False),
        # Functions.
        ("glob(repository.full_name, 'octo/*')", True),
        ("glob(repository.full_name, '*')", True),
        ("glob(repository.full_name, 'Octo/*')", False),
        ("glob(repository.full_name, 'octo')", False),
        ("glob(ref, 'refs/[st]ags/v?.*')", True),
        ("regex(ref, '^refs/tags/v\\d+')", True),
        ("regex(ref, 'v\\d+$')", False),
        ("regex(ref, '(')", False),
        ("regex(ref, '(') || action == 'created'", True),
        ("regex(comment.body, '(?i)openhands')", True),
        ("lower(comment.body) == 'please look at this, @openhands-resolver'", True),
        ("upper(action) == 'CREATED'", True),
        ("starts_with(ref, 'refs/tags/')", True),
        ("ends_with(ref, '.0')", True),
        ("starts_with(nosuch, 'refs')", False),
        # JMESPath's own, and its truth.
        ("length(commits) > `19`", True),
        ("commits[?regex(message, '^change 19$')]", True),
        ("commits[?regex(message, '^change 20$')]", False),
        ("join(',', pull_request.labels[].name) == 'bug,ui'", True),
        ("{a: action, b: ref}.a == 'created'", True),
        ("pull_request.draft", False),
        ("!(pull_request.draft)", True),
        ("!pull_request.draft", False),
        ("action == `created`", True),
        ("`0`", False),
        ('`""`', False),
        ("`[]`", False),
        ("nosuch", False),
        ("@", True),
        # What cannot be compared, counted or sorted.
        ("action < `1`", False),
        ("contains(action, `1`)", False),
        ("max_by(commits, &nosuch)", False),
        ("sort_by(commits, &@)", False),
        ("sum(commits)", False),
        ("regex(ref)", False),
        ("lower(`1`)", False),
        ("commits[::0]", False),
        ("(((", False),
        ("", False),
    ],
)
def test_what_they_say(expression: str, expected: bool) -> None:
    assert is_match(expression, EVENT) is expected


def test_what_fails_is_said_once_without_the_payload(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert not is_match("contains(comment.body,\n`1`)", EVENT)
    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage() == "the filter contains(comment.body, `1`) did not match: TypeError"


@pytest.mark.parametrize(
    "expression",
    [
        "regex(text, '(a+)+$')",
        "regex(text, '^(a|a)*$')",
        "many[?regex(@, '(.*a){12}$')]",
        "glob(text, '*a*a*a*a*a*a*a*a*b')",
    ],
)
def test_none_keeps_the_bot_busy(expression: str) -> None:
    event = {"text": "a" * 20_000 + "!", "many": ["a" * 2000 + "!"] * 500}
    began = time.monotonic()
    assert not is_match(expression, event)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "expression",
    [
        "!regex(text, '(.*.*.*.*.*.*.*.*)b')",
        "!regex(text, '(a)\\1{5}b')",
        "!glob(text, join('', [text, 'b']))",
        "!contains(join(text, many), 'b')",
    ],
)
def test_what_is_given_up_matches_neither_way(expression: str) -> None:
    assert not is_match(expression, {"text": "a" * 60_000, "many": ["a"] * 100})


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @]"] * 30),
        "|".join(["{a: @, b: @}"] * 30) + "|to_string(@)",
        "[@, @][] | " * 30 + "@",
        "'xxxxxxxxxxxxxxxx' | " + "|".join(["join(@, [@, @, @, @])"] * 30),
        "[" + ",".join("@" * (MAX_COPIES + 1)) + "]",
    ],
)
def test_what_copies_too_much_is_never_run(expression: str) -> None:
    began = time.monotonic()
    [complaint] = complaints(expression)
    assert complaint.startswith("copies its input too often")
    assert not is_match(expression, EVENT)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("pull_request.number == 7", r"is not JMESPath: .*column 23"),
        ("(((", "is not JMESPath: .*Incomplete expression"),
        ("a.", "is not JMESPath: "),
        ("#", "is not JMESPath: .*Unknown token #"),
        ("regex(ref, '(?>a)')", "cannot be used: the regular expression has an atomic group"),
        ("a && (b || !regex(ref, '(a)\\1'))", "cannot be used: .* a back-reference"),
        ("commits[?regex(message, 'a++')]", "cannot be used: .* a possessive quantifier"),
        ("a" * (MAX_FILTER + 1), f"is longer than {MAX_FILTER} characters"),
        ("(" * 1500 + "a" + ")" * 1500, "is nested too deeply"),
    ],
)
def test_complaints(expression: str, expected: str) -> None:
    [complaint] = complaints(expression)
    assert re.match(expected, complaint)
    assert "\n" not in complaint


@pytest.mark.parametrize(
    "expression",
    [
        "nosuch(a)",
        "regex(ref, '(')",
        "regex(ref, nosuch)",
        "regex(ref)",
        "a.b",
        "regex(a, b)",
        'regex(a, "b++")',
        "[a, b, {c: d}]",
    ],
)
def test_what_openhands_takes_is_taken(expression: str) -> None:
    assert complaints(expression) == []


@given(st.text(st.sampled_from("ab.@[]{}()*?|&!='`\",:0-9< "), max_size=30) | st.text(), WILD)
def test_wild_filters_on_wild_payloads(expression: str, payload: Any) -> None:
    assert is_match(expression, payload) in {True, False}
    complaints(expression)


FUNCTIONS = st.sampled_from(
    [
        "glob",
        "icontains",
        "regex",
        "lower",
        "upper",
        "starts_with",
        "ends_with",
        "contains",
        "join",
        "to_string",
        "to_number",
        "length",
        "keys",
        "values",
        "sort",
        "sum",
        "avg",
        "max",
        "min",
        "reverse",
        "type",
        "merge",
        "not_null",
        "map",
        "sort_by",
        "max_by",
        "abs",
        "ceil",
        "floor",
    ]
)
ARGUMENTS = st.sampled_from(
    ["@", "comment", "comment.body", "'a'", "`1`", "&@", "issue.*", "keys(@)", '`[1, "a"]`']
)


@given(FUNCTIONS, st.lists(ARGUMENTS, max_size=3), WILD)
def test_every_function_on_wild_payloads(function: str, arguments: list[str], payload: Any) -> None:
    assert is_match(f"{function}({', '.join(arguments)})", payload) in {True, False}
