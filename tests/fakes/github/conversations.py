"""The pull requests and issues of a repository, and what people say on them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.fakes.github.apps import App
from tests.fakes.github.check_shelf import CheckShelf
from tests.fakes.github.comments import Comment
from tests.fakes.github.git import Git
from tests.fakes.github.happenings import Happening, Push
from tests.fakes.github.issues import Issue, Label
from tests.fakes.github.pulls import Gone, Pull

if TYPE_CHECKING:
    from tests.fakes.github.world import World


class Conversations(CheckShelf):
    """A place where people open pull requests and issues.

    Attributes:
        issues: those that are no pull requests, by number.
    """

    def __init__(self, world: "World", identity: int, full_name: str, git: Git, *, is_private: bool) -> None:
        super().__init__(world, identity, full_name, git, is_private=is_private)
        self.pulls: dict[int, Pull] = {}
        self.issues: dict[int, Issue] = {}
        self.comments: dict[int, Comment] = {}
        self._labels: dict[str, Label] = {}

    def pull(
        self,
        number: int,
        *,
        head: str | None = None,
        base: str | None = None,
        head_ref: str = "feature",
        fork: str | Gone | None = None,
        author: str = "octocat",
        state: str = "open",
        title: str = "",
        body: str | None = None,
        draft: bool = False,
        merge_commit_sha: str | None = None,
        announce: bool = False,
    ) -> Pull:
        """Opens a pull request; without `head`, the one that is there.

        The head has to be a commit of the repository on disk, also for a fork's: on GitHub they share objects.

        Args:
            announce: whether pull_request.opened is told.
        """
        with self.world.lock:
            if head is None:
                return self.pulls[number]
            base = base or self.default_branch
            assert self.git.commit_id(head) == head, (
                f"{head} is no full SHA of a commit in {self.git.directory}"
            )
            assert self.git.commit_id(f"refs/heads/{base}"), f"no branch {base} in {self.git.directory}"
            assert number not in self.pulls, f"there is a pull request {number} in {self.full_name}"
            self.world.account(author)
            if isinstance(fork, str):
                self.world.fork(self.full_name, fork)
            now = self.world.clock.stamp()
            pull = Pull(
                number=number,
                id=self.world.next_id("pull"),
                head=head,
                base=base,
                head_ref=head_ref,
                author=author,
                home=self,
                fork=fork,
                state=state,
                title=title or f"Pull request {number}",
                body=body,
                is_draft=draft,
                merge_commit_sha=merge_commit_sha,
                created_at=now,
                updated_at=now,
                closed_at=None if state == "open" else now,
            )
            self.pulls[number] = pull
            if announce:
                pull.tell("opened")
            return pull

    def issue(
        self,
        number: int,
        *,
        author: str = "octocat",
        title: str = "",
        body: str | None = None,
    ) -> Issue:
        """Opens an issue; tells issues.opened."""
        with self.world.lock:
            taken = number in self.issues or number in self.pulls
            assert not taken, f"there is something with the number {number} in {self.full_name}"
            now = self.world.clock.stamp()
            issue = Issue(
                number=number,
                id=self.world.next_id("issue"),
                author=author,
                home=self,
                title=title or f"Issue {number}",
                body=body,
                created_at=now,
                updated_at=now,
            )
            self.issues[number] = issue
            issue.tell("opened")
            return issue

    def topic(self, number: int) -> Pull | Issue | None:
        """The pull request or the issue of a number."""
        return self.pulls.get(number) or self.issues.get(number)

    def label(self, name: str) -> Label:
        """A label of the repository, made if there is none of that name."""
        return self._labels.setdefault(name.lower(), Label(self.world.next_id("label"), name))

    def comment(self, number: int, body: str, *, author: str = "octocat", app: App | None = None) -> Comment:
        """A comment on an issue or a pull request; tells issue_comment.created."""
        with self.world.lock:
            self.world.account(author, "Bot" if app else "User")
            now = self.world.clock.stamp()
            comment = Comment(
                self.world.next_id("comment"), number, body, author, now, now, self, app.slug if app else None
            )
            self.comments[comment.id] = comment
            comment.tell_created()
            return comment

    def comments_on(self, number: int) -> list[Comment]:
        with self.world.lock:
            return [comment for comment in self.comments.values() if comment.number == number]

    def tell_push(self, branch: str, before: str, after: str, *, by: str) -> None:
        """Tells push, and check_suite.requested to Apps that write checks."""
        self.world.account(by)
        self.world.tell(Happening("push", None, Push(branch, before, after), by, self))
        self.request_suites(branch, before, after, by)

    def pulls_of(self, sha: str) -> Iterable[Pull]:
        """Open pull requests from the repository itself with this head; GitHub lists no forks' with checks."""
        return [
            pull
            for pull in self.pulls.values()
            if pull.head == sha and pull.fork is None and pull.state == "open"
        ]
