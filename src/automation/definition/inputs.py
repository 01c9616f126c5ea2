"""The typed arguments of an automation: what it declares, and what it is given for one run.

Declared values have to be of the declared type as YAML reads them. Given values are always text (from a
comment, a workflow, a command line); they are checked by the same declaration and stay text. No given value is
ever quoted in a message: it may come from a stranger.
"""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, ValidationInfo, field_validator

from automation.definition.problems import hint, quote
from automation.errors import Misconfigured

PREFIX: Final = "AUTOMATION_INPUT_"

type Value = str | int | float | bool

_MAX_INTEGER: Final = 2**63
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


class InputType(StrEnum):
    """What an input takes; a run gets each of them as text."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"

    @property
    def phrase(self) -> str:
        return {"string": "text", "integer": "a whole number", "number": "a number"}.get(
            self, "true or false"
        )


class Input(BaseModel):
    """The declaration of one input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: InputType = InputType.STRING
    choices: tuple[Any, ...] = ()
    default: Any = None
    required: StrictBool = False
    description: str | None = None

    @field_validator("choices")
    @classmethod
    def _choices_fit(cls, choices: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        if not choices:
            raise ValueError("must name at least one value; leave it out to allow any")
        for choice in choices:
            _check_declared(choice, info.data.get("type"))
        return choices

    @field_validator("default")
    @classmethod
    def _default_fits(cls, default: Any, info: ValidationInfo) -> Any:
        if default is None:
            return None
        _check_declared(default, info.data.get("type"))
        choices = info.data.get("choices")
        if choices and default not in choices:
            raise ValueError(f"must be one of the choices: {_listed(choices)}")
        return default


def variable_name(name: str) -> str:
    """The environment variable in which a run finds the input `name`."""
    return PREFIX + name.upper().replace("-", "_")


def resolve(inputs: Mapping[str, Input], given: Mapping[str, str]) -> dict[str, str]:
    """What a run gets in its environment for what it was given.

    Args:
        inputs: The declarations, by name.
        given: Text by input name.

    Returns:
        Text by variable name. An input without a value (not given, no default) has no variable.

    Raises:
        Misconfigured: an unknown name, a required input without a value, a value that does not fit; names all
            of them, one per line.
    """
    complaints = [_unknown(name, inputs) for name in given if name not in inputs]
    environment: dict[str, str] = {}
    for name, declared in inputs.items():
        try:
            text = check_given(given[name], declared) if name in given else _default_text(declared)
        except ValueError as error:
            complaints.append(f"the input {quote(name)} {error}")
            continue
        if text is not None:
            environment[variable_name(name)] = text
        elif declared.required:
            complaints.append(f"the input {quote(name)} is required ({declared.type.phrase})")
    if complaints:
        raise Misconfigured("\n".join(complaints))
    return environment


def check_given(text: str, declared: Input) -> str:
    """The text that a run gets for the text that was given: `True` becomes `true`, `007` becomes `7`.

    Raises:
        ValueError: it does not fit the declaration; the message is a predicate ("must be ...").
    """
    value = _parse(text, declared.type)
    if value is None:
        raise ValueError(f"must be {declared.type.phrase}")
    if declared.choices and value not in declared.choices:
        raise ValueError(f"must be one of {_listed(declared.choices)}")
    return text if declared.type is InputType.NUMBER else _as_text(value)


def _parse(text: str, kind: InputType) -> Value | None:
    match kind:
        case InputType.INTEGER:
            number = int(text) if _INTEGER.fullmatch(text) else _MAX_INTEGER
            return number if abs(number) < _MAX_INTEGER else None
        case InputType.NUMBER:
            return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else None
        case InputType.BOOLEAN:
            return {"true": True, "false": False}.get(text.lower())
        case _:
            return text if _fits_environment(text) else None


def _fits_environment(text: str) -> bool:
    """No variable can hold a NUL, nor half of a character (JSON can: a lone surrogate)."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _check_declared(value: Any, kind: InputType | None) -> None:
    match kind:
        case None:
            return
        case InputType.STRING:
            fits = isinstance(value, str) and _fits_environment(value)
        case InputType.INTEGER:
            fits = isinstance(value, int) and not isinstance(value, bool)
        case InputType.NUMBER:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case _:
            fits = isinstance(value, bool)
    if not fits:
        advice = "put it in quotes or declare another 'type'" if kind is InputType.STRING else "see 'type'"
        raise ValueError(f"must be {kind.phrase}, and {quote(value)} is not; {advice}")


def _default_text(declared: Input) -> str | None:
    return None if declared.default is None else _as_text(declared.default)


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(choices: tuple[Any, ...]) -> str:
    return ", ".join(quote(_as_text(choice)) for choice in choices)


def _unknown(name: str, inputs: Mapping[str, Input]) -> str:
    if not inputs:
        return f"there is no input {quote(name)}: this automation declares none"
    return f"there is no input {quote(name)}; {hint(name, inputs)}"
