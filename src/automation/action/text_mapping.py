"""A mapping of names to text, as a workflow gives it: YAML or JSON, and every value as it is written. Pure.

Promise: `1.10` stays `1.10`, `yes` stays `yes`, null is empty; nothing is resolved, converted or expanded. What is
no `NAME: text` is named by line and name, all of it at once. No value is quoted, and of `secrets` nothing but what
can be a variable's name: the rest of the text may be a secret that has broken out of its quotes.

JSON comes first, because YAML would fold the line breaks of what was pasted into it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import yaml

from automation.run.environment import NAME, READ_ONLY_IN_BASH
from automation.sentences import one_line

MAX_BYTES: Final = 1024 * 1024

_DEEPEST: Final = 100
_LONGEST_NAME: Final = 60
_MOST_COMPLAINTS: Final = 10
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NOT_IN_ENVIRONMENT: Final = re.compile(r"[\x00\ud800-\udfff]")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:str"})
_NEITHER: Final = "neither YAML nor JSON; write `NAME: ${{ toJSON(...) }}` for a value with quotes, colons or line breaks in it"


class Kind(StrEnum):
    """Which input a mapping is the text of."""

    INPUTS = "inputs"
    ENVIRONMENT = "env"
    SECRETS = "secrets"


@dataclass
class TextMapping:
    """What was read; the values count only where there are no complaints."""

    values: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def read_mapping(kind: Kind, text: str) -> TextMapping:
    """Read the text of an input; a blank one is an empty mapping.

    Returns:
        Text by name, and what is wrong: one sentence each, beginning with the input and the line.
    """
    found = TextMapping()
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        found.complaints.append(f"{kind}: expected at most {MAX_BYTES // 1024 // 1024} MiB of text")
        return found
    try:
        pairs = _json_pairs(text)
        pairs = _yaml_pairs(text) if pairs is None else pairs
    except _Unreadable as error:
        quoting = f" ({one_line(error.quoting)})" if error.quoting and kind is not Kind.SECRETS else ""
        found.complaints.append(f"{kind}: line {error.line}: {error.said}{quoting}")
        return found
    for pair in pairs:
        if wrong := _wrong_with(pair, kind, found.values):
            found.complaints.append(f"{kind}: line {pair.line}: {wrong}")
        found.values.setdefault(pair.name or "", pair.value)
    if (more := len(found.complaints) - _MOST_COMPLAINTS) > 0:
        found.complaints[_MOST_COMPLAINTS:] = [f"{kind}: {more} more of its lines are wrong"]
    return found


@dataclass(frozen=True)
class _Pair:
    """A name and its value as text, with the line of the name; otherwise what stands there instead."""

    line: int
    name: str | None
    value: str = ""
    instead: str = ""


class _Unreadable(Exception):
    """The text is no mapping; `quoting` says why in words that may be the text's."""

    def __init__(self, line: int, said: str, quoting: str = "") -> None:
        super().__init__(line, said)
        self.line = line
        self.said = said
        self.quoting = quoting


def _wrong_with(pair: _Pair, kind: Kind, before: dict[str, str]) -> str:
    name = pair.name
    if not name:
        return "expected a name, which is one word or text in quotes"
    is_variable = NAME.fullmatch(name) is not None
    hidden = kind is Kind.SECRETS and not is_variable
    shown = "a name there" if hidden else f"'{one_line(name, _LONGEST_NAME)}'"
    if name in before:
        return f"{shown} stands twice; keep one"
    if kind is not Kind.INPUTS and not is_variable:
        return f"{shown} is no environment variable's; expected letters, digits and _, not a digit first"
    # Not for secrets: all that the workflow has may be given, and those that the automation does not list do no harm.
    if kind is Kind.ENVIRONMENT and name in READ_ONLY_IN_BASH:
        return f"{shown} is read-only in bash; give it another name"
    if pair.instead:
        return f"the value of {shown} is {pair.instead}; expected text, a number, true, false or nothing"
    if _NOT_IN_ENVIRONMENT.search(pair.value):
        return f"the value of {shown} has a NUL or half a character in it, which no variable can hold"
    return ""


def _json_pairs(text: str) -> list[_Pair] | None:
    """The members of a JSON object, or None where the text is none: it may still be YAML."""
    # Line breaks within a string are what becomes of a secret that is pasted into JSON; YAML would fold them.
    decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
    pairs: list[_Pair] = []
    line, counted = 1, 0
    try:
        at = _past_space(text, 0)
        if text[at] != "{":
            return None
        while text[at] != "}":
            at = _past_space(text, at + 1)
            if text[at] == "}" and not pairs:
                break
            name, end = decoder.raw_decode(text, at)
            line, counted = line + text.count("\n", counted, at), at
            colon = _past_space(text, end)
            if text[colon] != ":" or not isinstance(name, str):
                return None
            value, end = decoder.raw_decode(text, _past_space(text, colon + 1))
            pairs.append(_json_pair(line, name, value))
            at = _past_space(text, end)
            if text[at] not in {",", "}"}:
                return None
    except (ValueError, IndexError, RecursionError):
        return None
    return pairs if _past_space(text, at + 1) == len(text) else None


def _json_pair(line: int, name: str, value: Any) -> _Pair:
    match value:
        case None:
            return _Pair(line, name)
        case bool():
            return _Pair(line, name, str(value).lower())
        case str():
            return _Pair(line, name, value)
        case _:
            return _Pair(line, name, instead="a list" if isinstance(value, list) else "a mapping")


def _past_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _yaml_pairs(text: str) -> list[_Pair]:
    """The members of a YAML mapping, by its events: nothing is resolved, converted or expanded.

    Raises:
        _Unreadable: it is no YAML, no mapping, or more than one document.
    """
    try:
        return list(_paired(yaml.parse(text, Loader=yaml.BaseLoader)))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Unreadable(line, "it holds a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Unreadable(mark.line + 1 if mark else 1, _NEITHER, error.problem or "") from None
    except (ValueError, OverflowError):
        raise _Unreadable(1, "an escape in double quotes names no character") from None


def _paired(events: Iterator[Any]) -> Iterator[_Pair]:
    level = documents = 0
    name: Any = None
    for event in events:
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise _Unreadable(line, "a second document begins here; only one is read")
        if isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue
        if level == 0 and not isinstance(event, yaml.MappingStartEvent) and not _is_null(event):
            raise _Unreadable(line, "expected a mapping, `NAME: value` on each line or a JSON object")
        if level == 1 and name is None:
            name = event
        elif level == 1:
            yield _yaml_pair(name, event)
            name = None
        level += isinstance(event, yaml.CollectionStartEvent)
        if level > _DEEPEST:
            raise _Unreadable(line, "nested too deeply; expected `NAME: value` only")


def _yaml_pair(name: Any, value: Any) -> _Pair:
    line = name.start_mark.line + 1
    named = name.value if isinstance(name, yaml.ScalarEvent) else None
    match value:
        case yaml.SequenceStartEvent():
            return _Pair(line, named, instead="a list")
        case yaml.MappingStartEvent():
            return _Pair(line, named, instead="a mapping")
        case yaml.AliasEvent():
            return _Pair(line, named, instead="an alias")
        case _ if value.tag not in _TEXT_TAGS:
            return _Pair(line, named, instead="something with a tag")
        case _:
            return _Pair(line, named, "" if _is_null(value) else value.value)


def _is_null(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in _NULLS
