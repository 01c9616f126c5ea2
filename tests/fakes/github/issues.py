"""Issues, and what an issue and a pull request have in common: comments and labels."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.github.happenings import Happening

if TYPE_CHECKING:
    from tests.fakes.github.comments import Comment
    from tests.fakes.github.conversations import Conversations


@dataclass(frozen=True)
class Label:
    id: int
    name: str
    color: str = "ededed"


@dataclass
class Topic:
    """What people talk about under a number."""

    number: int
    id: int
    author: str
    home: "Conversations" = field(repr=False)
    state: str = "open"
    title: str = ""
    body: str | None = None
    created_at: str = ""
    updated_at: str = ""
    closed_at: str | None = None
    labels: list[Label] = field(default_factory=list)

    @property
    def comments(self) -> "list[Comment]":
        return self.home.comments_on(self.number)

    def comment(self, body: str, author: str = "octocat") -> "Comment":
        """What somebody writes under it; tells issue_comment.created."""
        return self.home.comment(self.number, body, author=author)

    def label(self, name: str, *, by: str = "octocat") -> None:
        """Puts a label on it, which is made if there is none of that name; tells `labeled`."""
        with self.home.world.lock:
            label = self.home.label(name)
            if label not in self.labels:
                self.labels.append(label)
                self.tell("labeled", by, label=label)

    def unlabel(self, name: str, *, by: str = "octocat") -> None:
        """Takes a label off; tells `unlabeled`."""
        with self.home.world.lock:
            label = self.home.label(name)
            self.labels.remove(label)
            self.tell("unlabeled", by, label=label)

    def tell(self, action: str, by: str | None = None, **details: object) -> None:
        raise NotImplementedError


@dataclass
class Issue(Topic):
    """An issue that is no pull request."""

    def close(self, *, by: str = "octocat") -> None:
        """Tells issues.closed."""
        with self.home.world.lock:
            self.state = "closed"
            self.closed_at = self.updated_at = self.home.world.clock.stamp()
            self.tell("closed", by)

    def reopen(self, *, by: str = "octocat") -> None:
        """Tells issues.reopened."""
        with self.home.world.lock:
            self.state, self.closed_at = "open", None
            self.updated_at = self.home.world.clock.stamp()
            self.tell("reopened", by)

    def tell(self, action: str, by: str | None = None, **details: object) -> None:
        by = by or self.author
        self.home.world.account(by)
        self.home.world.tell(Happening("issues", action, self, by, self.home, details))
