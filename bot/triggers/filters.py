"""The filters of triggers: JMESPath with OpenHands' functions, evaluated on the raw payload. Pure.

A filter comes from a repository and meets text from anybody, so neither may keep the bot busy. `regex` is walked
by an automaton of ours, never by `re`. What copies its input over and over is refused before it runs, for a few
words of JMESPath can double a payload until the memory is gone. A filter that fails, or is given up, does not
match; a debug line says so, and holds nothing of the payload.

Source: https://jmespath.org/specification.html and `filter_eval.py` of OpenHands automation 1.25.0.
"""

import fnmatch
import logging
import math
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.parser import ParsedResult

from automation.sentences import one_line
from bot.triggers.automaton import Automaton, Effort, GivenUp, read_expression

MAX_FILTER: Final = 4000
MAX_COPIES: Final = 64
MAX_TEXT: Final = 1024 * 1024
MAX_GLOB: Final = 1000
_KEPT: Final = 512
_TEXTS: Final[Any] = {"types": ["array-string"]}
_TEXT: Final[Any] = {"types": ["string"]}
_COPYING: Final = frozenset({"multi_select_list", "multi_select_dict"})

# What JMESPath raises over values of other types than its author had in mind.
_FAILURES: Final = (
    JMESPathError,
    GivenUp,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

log = logging.getLogger(__name__)


class FilterFunctions(Functions):
    """JMESPath's functions and OpenHands', for one evaluation."""

    def __init__(self) -> None:
        self._effort = Effort()

    @signature(_TEXT, _TEXT)
    def _func_glob(self, subject: str, pattern: str) -> bool:
        """Whether the whole text fits; `*` fits `/`, too, and case counts."""
        if len(pattern) > MAX_GLOB:
            raise GivenUp(f"the pattern of a `glob` is longer than {MAX_GLOB} characters")
        return fnmatch.fnmatchcase(subject, pattern)

    @signature(_TEXT, _TEXT)
    def _func_icontains(self, subject: str, part: str) -> bool:
        return part.lower() in subject.lower()

    @signature(_TEXT, _TEXT)
    def _func_regex(self, subject: str, pattern: str) -> bool:
        """Whether it matches anywhere; what is no regular expression matches nothing."""
        found = _expression(pattern)
        return found is not None and found.finds(subject, self._effort)

    @signature(_TEXT)
    def _func_lower(self, subject: str) -> str:
        return subject.lower()

    @signature(_TEXT)
    def _func_upper(self, subject: str) -> str:
        return subject.upper()

    @signature(_TEXT, _TEXTS)
    def _func_join(self, between: str, parts: list[str]) -> str:
        """As JMESPath's own, which would put a long text between thousands of others."""
        if len(between) * len(parts) + sum(map(len, parts)) > MAX_TEXT:
            raise GivenUp("a `join` makes a text of more than 1 MiB")
        return between.join(parts)


def is_match(expression: str, payload: object) -> bool:
    """Whether the payload passes the filter. One that fails, or takes too long, is passed by nothing."""
    try:
        options = jmespath.Options(custom_functions=FilterFunctions())
        return bool(_compiled(expression).search(payload, options=options))
    except _FAILURES as error:
        log.debug("the filter %s did not match: %s", one_line(expression), type(error).__name__)
        return False


def complaints(expression: str) -> list[str]:
    """What keeps the filter from ever being evaluated, each a part of a sentence; empty if nothing does."""
    try:
        parsed = _compiled(expression).parsed
    except JMESPathError as error:
        return [f"is not JMESPath: {_first_line(error)}"]
    except GivenUp as error:
        return [str(error)]
    except RecursionError:
        return ["is nested too deeply"]
    return [complaint for pattern in _patterns(parsed) if (complaint := _refusal(pattern))]


@lru_cache(maxsize=_KEPT)
def _compiled(expression: str) -> ParsedResult:
    if len(expression) > MAX_FILTER:
        raise GivenUp(f"is longer than {MAX_FILTER} characters")
    with warnings.catch_warnings():
        # Of an older spelling of literals, which OpenHands takes, too.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        compiled = jmespath.compile(expression)
    copies = math.prod(len(node["children"]) for node in _nodes(compiled.parsed) if node["type"] in _COPYING)
    if copies > MAX_COPIES:
        raise GivenUp("copies its input too often: it has too many lists or objects made with [...] or {...}")
    return compiled


@lru_cache(maxsize=_KEPT)
def _expression(pattern: str) -> Automaton | None:
    try:
        return read_expression(pattern)
    except re.error:
        return None


def _refusal(pattern: str) -> str | None:
    """Why a regular expression that OpenHands runs is not run here."""
    try:
        _expression(pattern)
    except GivenUp as error:
        return f"cannot be used: {error}"
    return None


def _patterns(parsed: Any) -> Iterator[str]:
    """The regular expressions that stand in the filter as they are."""
    for node in _nodes(parsed):
        match node:
            case {
                "type": "function_expression",
                "value": "regex",
                "children": [_, {"type": "literal", "value": str(pattern)}],
            }:
                yield pattern


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        pending += [child for child in each.get("children", ()) if isinstance(child, dict)]


def _first_line(error: JMESPathError) -> str:
    return str(error).partition("\n")[0].rstrip(":")
