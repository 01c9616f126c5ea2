"""One sandbox as the Cloud API shows it. Pure."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

AGENT_SERVER: Final = "AGENT_SERVER"
_SAFE: Final = re.compile(r"runtime_ingress:[a-z0-9_]{1,60}(:[0-9]{3})?")
_CLASSES: Final = (
    (re.compile(r"ImagePull|ErrImage|InvalidImageName", re.IGNORECASE), "its image could not be fetched"),
    (re.compile(r"CreateContainer", re.IGNORECASE), "its container could not be made"),
    (
        re.compile(r"Insufficient|taint|affinity|unschedulable", re.IGNORECASE),
        "there is no machine with room for it",
    ),
    (re.compile(r"OOM|out of memory", re.IGNORECASE), "it ran out of memory"),
    (re.compile(r"CrashLoop|BackOff|exit code", re.IGNORECASE), "its agent-server ended at once"),
)
"""Words of schedulers by what they mean for people: the words themselves can name machines that are nobody's business.

Source: openhands-automation 1.25.0, which records no more than the class of such texts, either.
"""
type SandboxId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class SandboxStatus(StrEnum):
    """The API's words; one that it learns later is `OTHER`."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ERROR = "ERROR"
    MISSING = "MISSING"
    OTHER = "OTHER"


def _status(value: object) -> object:
    return value if isinstance(value, str) and value in set(SandboxStatus) else SandboxStatus.OTHER


def _in_utc(value: object) -> object:
    """A date without a zone is UTC here."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


class ExposedUrl(BaseModel):
    """A service in the sandbox."""

    model_config = ConfigDict(frozen=True)

    name: str
    url: str


class Sandbox(BaseModel):
    """A sandbox.

    Attributes:
        session_api_key: of its agent-server, None unless it runs.
        detail, error_code, error_message: what the server says of a failure, where it says anything.
    """

    model_config = ConfigDict(frozen=True)

    id: SandboxId
    status: Annotated[SandboxStatus, BeforeValidator(_status)]
    session_api_key: str | None = Field(default=None, repr=False)
    exposed_urls: tuple[ExposedUrl, ...] | None = None
    created_at: Annotated[datetime, BeforeValidator(_in_utc)]
    detail: str | None = Field(default=None, alias="status_detail")
    error_code: str | None = None
    error_message: str | None = None

    @property
    def agent_server_url(self) -> str:
        """Where its agent-server is; empty while it is nowhere."""
        found = [each.url for each in self.exposed_urls or () if each.name == AGENT_SERVER]
        return found[0].rstrip("/") if found else ""

    @property
    def is_usable(self) -> bool:
        return self.status is SandboxStatus.RUNNING and bool(self.agent_server_url)

    @property
    def is_gone(self) -> bool:
        return self.status is SandboxStatus.MISSING

    @property
    def why(self) -> str:
        """Why it failed, without what names somebody's machines; empty if nothing is said."""
        said = [each for each in (self.error_code, self.detail, self.error_message) if each]
        for text in said:
            if safe := _SAFE.search(text):
                return safe[0]
        for text in said:
            for pattern, meaning in _CLASSES:
                if pattern.search(text):
                    return meaning
        return "the server gives a cause that is not passed on" if said else ""
