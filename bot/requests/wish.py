"""What somebody wants of a run, before it is one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from automation.definition.role import Role
from bot.runs.run import RETRIED, Run


@dataclass(frozen=True)
class Subject:
    """What a run is to be about.

    Attributes:
        sha: the commit, pinned.
        definition_sha: the commit that the definition is read from.
        head_repository: whose branch `head_ref` is; empty where that is not known.
    """

    repository: str
    installation: int
    sha: str
    definition_sha: str
    head_ref: str = ""
    head_repository: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    is_fork: bool = False

    @property
    def branch(self) -> str:
        """The branch, or what stands for it; a fork's is another one than ours of the same name."""
        name = self.head_ref or self.sha
        return f"{self.head_repository.casefold()}:{name}" if self.is_fork else name


@dataclass(frozen=True)
class Wish:
    """Who wants a run, and how.

    Attributes:
        actor: login; role: in the repository; None where the event itself starts the run.
        request: that it comes from; one of them makes one run of an automation.
        comment_id: of the command; one of them makes one run of an automation, too.
        event: what the run is told of, where that is not the request's.
    """

    actor: str
    cause: str
    event_name: str
    role: Role | None = None
    is_by_event: bool = False
    request: int | None = None
    comment_id: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)
    event: bytes | None = None
    attempt: int = 1
    retry_of: UUID | None = None


def again(run: Run, **changes: Any) -> Wish:
    """The wish for the same run once more, by a person: what an event has started once, it does not start twice."""
    wish = Wish(
        actor=run.actor,
        cause=RETRIED,
        event_name=run.event_name,
        inputs=run.inputs,
        attempt=run.attempt + 1,
        retry_of=run.id,
    )
    return replace(wish, **changes)
