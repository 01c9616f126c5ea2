"""Pull requests of the fake, and what people say on them."""

import enum
from dataclasses import dataclass, field

from tests.fakes.github.clock import Clock


class Gone(enum.Enum):
    """A fork that was deleted: the pull request's `head.repo` is null."""

    GONE = "gone"


GONE = Gone.GONE


@dataclass
class Pull:
    """A pull request.

    Attributes:
        base: name of the branch that it wants to get into.
        head_ref: name of the branch that it comes from.
        fork: full name of the fork it comes from, None for the repository itself, GONE for a deleted one.
        merge_commit_sha: GitHub's test merge, None as long as GitHub has not made one.
    """

    number: int
    id: int
    head: str
    base: str
    head_ref: str
    author: str
    clock: Clock = field(repr=False)
    fork: str | Gone | None = None
    state: str = "open"
    title: str = ""
    body: str | None = None
    is_draft: bool = False
    is_merged: bool = False
    merge_commit_sha: str | None = None
    created_at: str = ""
    updated_at: str = ""
    closed_at: str | None = None

    def push(self, sha: str) -> None:
        """Moves the head."""
        self.head = sha
        self.updated_at = self.clock.stamp()

    def close(self, *, merged: bool = False) -> None:
        self.state = "closed"
        self.is_merged = merged
        self.closed_at = self.updated_at = self.clock.stamp()


@dataclass
class Reaction:
    id: int
    content: str
    author: str
    created_at: str


@dataclass
class Comment:
    """A comment on an issue or a pull request.

    Attributes:
        app_slug: the App that wrote it, None for a person.
        minimized: the reason it is folded for, None if it is not.
    """

    id: int
    number: int
    body: str
    author: str
    created_at: str
    updated_at: str
    app_slug: str | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None

    @property
    def node_id(self) -> str:
        return f"IC_{self.id}"
