"""The automaton says what `re.search` says, and never takes longer than its effort."""

import contextlib
import re
import time
import warnings

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.triggers.automaton import MAX_PATTERN, Effort, GivenUp, read_expression


def finds(pattern: str, subject: str) -> bool:
    return read_expression(pattern).finds(subject, Effort())


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (r"^refs/tags/v\d+", "refs/tags/v1.0.0"),
        (r"^refs/tags/v\d+", "refs/tags/vx"),
        (r"^refs/tags/v\d+", "x refs/tags/v1"),
        ("", ""),
        ("a", ""),
        ("a|b", "xb"),
        ("(?i)fix(es|ed)? #[0-9]+", "FIXES #12"),
        ("(?i:A)a", "aa"),
        ("(?i:A)a", "aA"),
        ("(?i)(?-i:a)b", "aB"),
        ("(?i)(?-i:a)b", "Ab"),
        ("(?i:(?-i:(?i:a)))", "A"),
        (r"(?a:(?u:\w))", "é"),
        (r"(?u:(?a:\w))", "é"),
        (r"(?a)(?u:\w)\w", "éé"),
        ("(?m)^b$", "a\nb\nc"),
        ("^b$", "a\nb\nc"),
        ("b$", "a\nb\n"),
        (r"b\Z", "a\nb\n"),
        (r"\Ab", "a\nb"),
        ("(?s)a.b", "a\nb"),
        ("a.b", "a\nb"),
        (r"\bfoo\b", "a foo!"),
        (r"\bfoo\b", "afoo"),
        (r"\Boo", "foo"),
        ("[^a-c]", "abc"),
        ("[^a-c]", "abcd"),
        (r"[\w-]+@[\w.]+", "to a-b@c.d"),
        (r"(?a)\w", "é"),
        (r"\w", "é"),
        ("(?i)ß", "ẞ"),
        ("(?i)k", "\u212a"),
        ("a{2,3}b", "xab"),
        ("a{2,3}b", "xaaab"),
        ("^a{2,3}b", "aaaab"),
        ("a{2}", "a"),
        ("a{,2}b", "b"),
        ("(?:ab){2,}c", "ababc"),
        ("(?:ab){2,}c", "abc"),
        ("a*?b", "aab"),
        ("(a*)*b", "aac"),
        ("(?:)*a", "a"),
        ("(?:a|b?)*c", "abbac"),
        ("^(?!WIP)", "WIP: x"),
        ("^(?!WIP)", "x"),
        ("a(?=b)", "ab"),
        ("a(?=b)", "ac"),
        ("a(?=.*z)b", "abxyz"),
        ("(?<=a)b", "ab"),
        ("(?<=a)b", "cb"),
        ("(?<=aa)b", "ab"),
        ("(?<!aa)b", "ab"),
        ("(?<!a)b", "ab"),
        ("(?<!a)b", "b"),
        ("(?<=ab|cd)e", "cde"),
        ("(?<=^a)b", "ab"),
        ("(?<=^a)b", "aab"),
        ("(?=(?!b)a)a", "a"),
        ("(?!)", "a"),
        ("(?P<word>a)b", "ab"),
        ("(?#comment)a", "a"),
        ("(?x) a b # comment", "ab"),
        ("[[a]", "["),
        ("\\U0001F600", "x😀"),
        ("a\0b", "a\0b"),
        ("\ud800", "\ud800"),
    ],
)
def test_it_says_what_re_says(pattern: str, subject: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = re.search(pattern, subject) is not None
    assert finds(pattern, subject) is expected


ATOMS = st.sampled_from(
    [*"abc.", "[ab]", "[^a]", r"\w", r"\b", "^", "$", "é", r"\n", "", "(?=a)", "(?!ab)", "(?<=b)", "(?<!a)"]
)
REPEATS = st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{0,2}", "{1,}", "*?", "+?", "??", "{1,2}?"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=4).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join)
        | st.tuples(inner, REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
        | inner.map(lambda each: f"({each})")
        | inner.map(lambda each: f"(?i:{each})")
    ),
    max_leaves=6,
)


@given(st.sampled_from(["", "(?i)", "(?m)", "(?s)"]), PATTERNS, st.text("abcABé\n", max_size=7))
def test_it_says_what_re_says_of_any_expression(flags: str, pattern: str, subject: str) -> None:
    assert finds(flags + pattern, subject) is (re.search(flags + pattern, subject) is not None)


@given(st.text(st.sampled_from(r"ab()[]{}|*+?.^$\,1-:=!<i"), max_size=20), st.text("ab", max_size=8))
def test_wild_patterns_are_read_given_up_or_none(pattern: str, subject: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            compiled = re.compile(pattern)
    except (re.error, OverflowError):
        with pytest.raises((re.error, GivenUp)):
            read_expression(pattern)
        return
    try:
        found = finds(pattern, subject)
    except GivenUp:
        return
    # Here `re` could need longer than anybody's patience.
    assume(sum(map(pattern.count, "*+{?")) <= 3)
    assert found is (compiled.search(subject) is not None)


@pytest.mark.parametrize(
    "pattern", ["(", "*a", "[", r"\q", "(?<=a*)b", "(?<=a|bc)d", "a**", "(?P<x>a)(?P<x>b)"]
)
def test_what_is_no_expression_is_said_to_be_none(pattern: str) -> None:
    with pytest.raises(re.error):
        read_expression(pattern)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "has a back-reference"),
        ("(a)(?(1)b|c)", "has a condition"),
        ("(?>a)b", "has an atomic group"),
        ("a++b", "has a possessive quantifier"),
        ("a" * (MAX_PATTERN + 1), "longer than 1000"),
        ("(?:a{1000}){1000}", "counts multiply"),
        ("((a{100}){100}){100}", "counts multiply"),
        ("(?:(?:(?:){1000}){1000}){1000}", "counts multiply"),
        ("(?:){4000000000}", "counts multiply"),
        ("(?:){0,4000000000}", "counts multiply"),
        ("(?=(?=a{1000})a{1000})a{1000}", "counts multiply"),
        ("a{99999999999999999999}", "counts too far"),
    ],
)
def test_what_is_given_up_is_given_up_at_once_and_says_why(pattern: str, why: str) -> None:
    began = time.monotonic()
    with pytest.raises(GivenUp, match=why):
        read_expression(pattern)
    assert time.monotonic() - began < 1


def test_deep_nesting_is_no_matter() -> None:
    assert finds("(" * 40 + "a" + ")" * 40, "xa")
    with contextlib.suppress(GivenUp):
        assert finds("(" * 450 + "a" + ")" * 450, "xa")


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("(a+)+$", "a" * 5000 + "b"),
        ("(a|a)*b", "a" * 5000),
        ("(a|aa)+$", "a" * 5000 + "b"),
        ("(.*.*.*.*)x", "a" * 5000),
        (r"^(\w+\s?)*$", "word " * 1000 + "!"),
        ("(x+x+)+y", "x" * 5000),
        ("(?=(a+)+$)b|(a*)*c", "a" * 100),
    ],
)
def test_what_hangs_re_is_answered(pattern: str, subject: str) -> None:
    began = time.monotonic()
    assert not finds(pattern, subject)
    assert time.monotonic() - began < 5


def test_the_effort_is_all_there_is() -> None:
    automaton, effort = read_expression("a.*b"), Effort(1000)
    assert not automaton.finds("ac" * 20, effort)
    with pytest.raises(GivenUp, match="takes too long"):
        automaton.finds("ac" * 10_000, effort)
    with pytest.raises(GivenUp, match="takes too long"):
        automaton.finds("ac" * 100, effort)


def test_looking_around_is_counted_too() -> None:
    with pytest.raises(GivenUp, match="takes too long"):
        read_expression("(?=.*b)").finds("a" * 20_000, Effort())
