"""Pull requests of the fake."""

import enum
from dataclasses import dataclass

from tests.fakes.github.happenings import Happening
from tests.fakes.github.issues import Topic


class Gone(enum.Enum):
    """A fork that was deleted: the pull request's `head.repo` is null."""

    GONE = "gone"


GONE = Gone.GONE


@dataclass(kw_only=True)
class Pull(Topic):
    """A pull request.

    Attributes:
        base: name of the branch that it wants to get into.
        head_ref: name of the branch that it comes from.
        fork: full name of the fork it comes from, None for the repository itself, GONE for a deleted one.
        merge_commit_sha: GitHub's test merge, None as long as GitHub has not made one.
    """

    head: str
    base: str
    head_ref: str
    fork: str | Gone | None = None
    is_draft: bool = False
    is_merged: bool = False
    merge_commit_sha: str | None = None

    def push(self, sha: str, *, by: str | None = None) -> None:
        """Moves the head; tells pull_request.synchronize, and of a branch of the repository itself the push, too.

        Args:
            by: a login; None for the author.
        """
        with self.home.world.lock:
            if self.fork is None:
                self.home.tell_push(self.head_ref, self.head, sha, by=by or self.author)
            self.move(sha, by=by)

    def move(self, sha: str, *, by: str | None = None) -> None:
        """What a push to the branch does to the pull request."""
        before, self.head = self.head, sha
        self.updated_at = self.home.world.clock.stamp()
        if self.state == "open":
            self.tell("synchronize", by, before=before, after=sha)

    def close(self, *, merged: bool = False, by: str | None = None) -> None:
        """Tells pull_request.closed."""
        with self.home.world.lock:
            self.state = "closed"
            self.is_merged = merged
            self.closed_at = self.updated_at = self.home.world.clock.stamp()
            self.tell("closed", by)

    def reopen(self, *, by: str | None = None) -> None:
        """Tells pull_request.reopened."""
        with self.home.world.lock:
            self.state, self.closed_at = "open", None
            self.updated_at = self.home.world.clock.stamp()
            self.tell("reopened", by)

    def ready(self, *, by: str | None = None) -> None:
        """No draft any more; tells pull_request.ready_for_review."""
        with self.home.world.lock:
            self.is_draft = False
            self.updated_at = self.home.world.clock.stamp()
            self.tell("ready_for_review", by)

    def tell(self, action: str, by: str | None = None, **details: object) -> None:
        by = by or self.author
        self.home.world.account(by)
        self.home.world.tell(Happening("pull_request", action, self, by, self.home, details))
