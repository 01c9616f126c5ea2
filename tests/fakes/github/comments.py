"""Comments on issues and pull requests."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.github.happenings import Happening

if TYPE_CHECKING:
    from tests.fakes.github.conversations import Conversations


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
        edited_by: logins of who changed it, the latest last.
    """

    id: int
    number: int
    body: str
    author: str
    created_at: str
    updated_at: str
    home: "Conversations" = field(repr=False)
    app_slug: str | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None
    edited_by: list[str] = field(default_factory=list)

    @property
    def node_id(self) -> str:
        return f"IC_{self.id}"

    @property
    def reacted(self) -> list[str]:
        """The reactions to it, the oldest first."""
        return [reaction.content for reaction in self.reactions]

    def edit(self, body: str, *, by: str | None = None) -> None:
        """Changes the text; tells issue_comment.edited.

        Args:
            by: a login; None for the author.
        """
        with self.home.world.lock:
            before, self.body = self.body, body
            self.edited_by.append(by or self.author)
            self.updated_at = self.home.world.clock.stamp()
            self._tell("edited", by, {"changes": {"body": {"from": before}}})

    def delete(self, *, by: str | None = None) -> None:
        """Removes it; tells issue_comment.deleted."""
        with self.home.world.lock:
            del self.home.comments[self.id]
            self._tell("deleted", by, {})

    def tell_created(self) -> None:
        self._tell("created", None, {})

    def _tell(self, action: str, by: str | None, details: dict[str, object]) -> None:
        by = by or self.author
        self.home.world.account(by)
        self.home.world.tell(Happening("issue_comment", action, self, by, self.home, details))
