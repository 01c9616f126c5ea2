"""What we add to an OpenHands automation, all of it under the one key `github:`.

OpenHands ignores the key, so nothing in it may be misread here: unknown keys and wrong types are errors at any
depth. A key left empty (`inputs:`) is as if it were not there.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from automation.definition.inputs import Input, variable_name
from automation.definition.problems import quote
from automation.definition.role import Role

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Forks(StrEnum):
    """What becomes of a pull request from a fork: never run, or once a maintainer has approved its SHA."""

    DENY = "deny"
    APPROVE = "approve"


class RepositoryContent(StrEnum):
    """What a run gets of the repository: nothing, the files at its SHA, or these and the history since base."""

    NONE = "none"
    ARCHIVE = "archive"
    GIT = "git"


class ConcurrencyPolicy(StrEnum):
    """What a new run does about one that is under way: wait, take its place, or give way."""

    QUEUE = "queue"
    REPLACE = "replace"
    REJECT = "reject"


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "must be a name of letters, digits, '_' and '-' that does not begin with a digit or '-'"
        )
    return name


def _check_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("must be the name of an environment variable, such as NPM_TOKEN")
    return name


def _check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names {', '.join(map(quote, twice))} more than once; keep one")
    return names


def _check_concurrency_key(key: str) -> str:
    if not key.strip() or not key.isprintable():
        raise ValueError("must be one line of text, such as 'pr'")
    return key


def _empty_as_mapping(value: Any) -> Any:
    return {} if value is None else value


def _declaration(value: Any) -> Any:
    if value is not None and not isinstance(value, dict):
        raise ValueError("must be a mapping, such as {default: main}, or empty")
    return value or {}


def _empty_as_list(value: Any) -> Any:
    return () if value is None else value


type Name = Annotated[str, AfterValidator(_check_name)]
type Variable = Annotated[str, AfterValidator(_check_variable)]


class Concurrency(BaseModel):
    """How runs of one automation that share a key treat each other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, AfterValidator(_check_concurrency_key)] = "pr"
    policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE


class GitHubKey(BaseModel):
    """The content of `github:`; the defaults are what holds where a key, or all of it, is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Role = Role.WRITE
    forks: Forks = Forks.APPROVE
    repository: RepositoryContent = RepositoryContent.ARCHIVE
    inputs: Annotated[
        dict[Name, Annotated[Input, BeforeValidator(_declaration)]], BeforeValidator(_empty_as_mapping)
    ] = Field(default_factory=dict)
    secrets: Annotated[
        tuple[Variable, ...], BeforeValidator(_empty_as_list), AfterValidator(_check_distinct)
    ] = ()
    outputs: Annotated[
        tuple[Name, ...], BeforeValidator(_empty_as_list), AfterValidator(_check_distinct)
    ] = ()
    concurrency: Annotated[Concurrency, BeforeValidator(_empty_as_mapping)] = Concurrency()

    @field_validator("inputs")
    @classmethod
    def _variables_differ(cls, inputs: dict[str, Input]) -> dict[str, Input]:
        seen: dict[str, str] = {}
        for name in inputs:
            other = seen.setdefault(variable_name(name), name)
            if other != name:
                both = f"{quote(other)} and {quote(name)}"
                raise ValueError(f"{both} would both arrive as {variable_name(name)}; rename one")
        return inputs
