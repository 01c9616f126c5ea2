"""The shape of `automation.yaml`: its keys, their types and rules.

OpenHands' own keys follow OpenHands' rules for importing them, so what its git sync has written is taken
unchanged; ours stand under `github:` and are strict.
Source of the keys and rules: OpenHands automation 1.25.0 (which reads all that 1.8.0 writes). Left out are the
rules that need more than the file: that an external tarball can be fetched, that JMESPath compiles.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from automation.definition.entrypoint import check_command
from automation.definition.github_key import GitHubKey
from automation.definition.trigger import Trigger

DEFAULT_TIMEOUT: Final = 600
MAX_TIMEOUT: Final = 1800

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class State(StrEnum):
    """OpenHands' life cycle of an automation; only an active one is started by its trigger."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DRAFT = "DRAFT"


class TarballSource(BaseModel):
    """Where OpenHands would take the code from if the directory holds none; stored, never fetched here."""

    model_config = ConfigDict(frozen=True)

    type: Literal["internal", "external"]
    url: str | None = None


def _well_formed_names(names: Any) -> Any:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else None


def _check_timeout(seconds: int) -> int:
    if not 0 < seconds <= MAX_TIMEOUT:
        raise ValueError(f"must be between 1 and {MAX_TIMEOUT} (seconds)")
    return seconds


def _check_model(profile: str) -> str:
    if not _MODEL.fullmatch(profile):
        raise ValueError(
            "must be a model profile: at most 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        )
    return profile


type _Command = Annotated[str, AfterValidator(check_command)]
type _AssociationKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=128)]
type _AssociationExpression = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Definition(BaseModel):
    """One automation, as its file says it. `settings` is what holds where `github:` says nothing."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=500)
    entrypoint: _Command
    trigger: Trigger | None = None
    description: str | None = None
    timeout: Annotated[StrictInt, AfterValidator(_check_timeout)] | None = None
    model: Annotated[str, AfterValidator(_check_model)] | None = None
    agent_profile_id: Annotated[UUID | None, BeforeValidator(lambda given: given or None)] = None
    keep_alive: bool | None = None
    enabled_as_written: bool | None = Field(default=None, alias="enabled")
    state: State | None = None
    prompt: str | None = None
    preset_metadata: dict[Any, Any] | None = None
    observability_associations: dict[_AssociationKey, _AssociationExpression] | None = Field(
        default=None, max_length=20
    )
    setup_script_path: _Command | None = None
    tarball_source: TarballSource | None = None
    tarball_executables: Annotated[tuple[str, ...] | None, BeforeValidator(_well_formed_names)] = None
    github: Annotated[GitHubKey | None, BeforeValidator(lambda given: {} if given is None else given)] = None

    @field_validator("state")
    @classmethod
    def _agrees_with_enabled(cls, state: State | None, info: ValidationInfo) -> State | None:
        enabled = info.data.get("enabled_as_written")
        if state is not None and enabled is not None and enabled is not (state is State.ACTIVE):
            raise ValueError(f"must agree with 'enabled': {state} says otherwise; keep one of the two")
        return state

    @property
    def enabled(self) -> bool:
        """Whether its trigger starts it: as `state` says, otherwise as `enabled` says, otherwise yes."""
        if self.state is not None:
            return self.state is State.ACTIVE
        return self.enabled_as_written is not False

    @property
    def timeout_seconds(self) -> int:
        return DEFAULT_TIMEOUT if self.timeout is None else self.timeout

    @property
    def settings(self) -> GitHubKey:
        """What holds for a run: `github:` where it is there (even empty), otherwise its defaults."""
        return GitHubKey() if self.github is None else self.github
