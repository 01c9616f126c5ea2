"""pydantic's findings in the words of the person who wrote the file.

Pure: an error and the keys that are known at its place in, one sentence out. A kind of error that is not
foreseen here keeps pydantic's own words, so no finding is ever lost.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic_core import ErrorDetails

from automation.definition.located_yaml import KeyPath
from automation.definition.problems import hint, nearest, quote

_TRIGGERS: Final = "'cron' or 'event'"
_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
}


def describe(path: KeyPath, error: ErrorDetails, known: Iterable[str]) -> str:
    """One sentence for one error.

    Args:
        path: The place of what is wrong, as the file has it.
        error: What pydantic found.
        known: The keys that may stand beside an unknown one.
    """
    kind, found, context = error["type"], error["input"], error.get("ctx", {})
    match kind:
        case "missing":
            return f"the key {dotted(path)} is missing"
        case "extra_forbidden" | "invalid_key":
            return f"unknown key {dotted(path)}; {hint(path[-1], known)}"
        case "value_error":
            said = str(context["error"])
        case "enum" | "literal_error":
            said = f"must be {_choice(context['expected'], found)}"
        case "union_tag_not_found" | "union_tag_invalid":
            said = f"must be {_choice(_TRIGGERS, found.get('type'))}"
        case "string_type" if isinstance(found, bool | int | float):
            said = f"must be text; it is {_kind(found)}, put it in quotes"
        case _ if kind in _EXPECTED:
            said = f"must be {_EXPECTED[kind]}; it is {_kind(found)}"
        case _:
            said = f"is refused: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return f"{dotted(path)} {said}"


def dotted(path: KeyPath) -> str:
    """`github.secrets[1]` for ("github", "secrets", 1), quoted."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return quote("".join(parts).removeprefix(".")) if path else "the file"


def _choice(expected: str, found: Any) -> str:
    near = nearest(found, re.findall("'([^']*)'", expected)) if isinstance(found, str) else None
    return f"{expected}; did you mean {quote(near)}?" if near else f"{expected}; it is {_kind(found)}"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"
