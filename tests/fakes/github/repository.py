"""A repository of the fake: what a test sets up, what the routes read and write, what a test looks at.

A test speaks to it from its own thread while the server answers from others: whatever reads or changes more
than one thing holds the world's lock. What a test lets happen is told to the Apps that may know:

    repository.collaborator("alice", "write")             and with None she has no role any more
    pull = repository.pull(7, head=sha, announce=True)    pull_request.opened
    pull.comment("/run-automation", author="alice")       issue_comment.created; also .edit(body), .delete()
    pull.push(sha), pull.close(), pull.label("run-it")    synchronize, closed, labeled
    repository.issue(8).comment("hello")                  issues.opened, issue_comment.created
    repository.push("main")                               push, check_suite.requested, synchronize
    repository.release("v1"), repository.merge_group(sha)
    repository.check("review").rerun(by="alice")          check_run.rerequested, to the App that owns it
    repository.check("review").click("retry", by="alice") check_run.requested_action
    repository.rerun_suite(sha, app, by="alice")          check_suite.rerequested
"""

from typing import TYPE_CHECKING

from tests.fakes.github.conversations import Conversations
from tests.fakes.github.git import Git
from tests.fakes.github.happenings import Happening, MergeGroup, Release

if TYPE_CHECKING:
    from tests.fakes.github.world import World

NOTHING = "0" * 40


class Repository(Conversations):
    """A repository with its git data on disk.

    Attributes:
        truncate_trees: whether tree listings are cut short, as GitHub cuts those over its limits.
    """

    def __init__(self, world: "World", identity: int, full_name: str, git: Git, *, is_private: bool) -> None:
        super().__init__(world, identity, full_name, git, is_private=is_private)
        self.parent: Repository | None = None
        self.truncate_trees = False
        self._tips: dict[str, str] = {}

    def push(
        self, branch: str, sha: str | None = None, author: str = "octocat", *, before: str | None = None
    ) -> None:
        """Somebody pushed what the branch has on disk by now; tells push, and open pull requests move along.

        Args:
            sha: the branch's tip, for the reader.
            before: the tip before; None for that of the last push, or else for the tip's first parent.
        """
        with self.world.lock:
            tip = self.git.commit_id(f"refs/heads/{branch}")
            assert tip is not None, f"no branch {branch} in {self.git.directory}"
            assert sha in {None, tip}, f"the branch {branch} is at {tip} on disk, not at {sha}: move it first"
            before = before or self._tips.get(branch) or next(iter(self.git.commit(tip).parents), NOTHING)
            self._tips[branch] = tip
            self.tell_push(branch, before, tip, by=author)
            for pull in self.pulls.values():
                if pull.fork is None and pull.head_ref == branch and pull.head != tip:
                    pull.move(tip, by=author)

    def release(self, tag: str, *, author: str = "octocat", title: str = "", body: str = "") -> Release:
        """Somebody publishes a release; tells release.published."""
        with self.world.lock:
            self.world.account(author)
            now = self.world.clock.stamp()
            release = Release(self.world.next_id("release"), tag, author, now, title or tag, body)
            self.world.tell(Happening("release", "published", release, author, self))
            return release

    def merge_group(self, head_sha: str, *, base: str | None = None, by: str = "octocat") -> MergeGroup:
        """A merge queue wants a commit checked; tells merge_group.checks_requested."""
        with self.world.lock:
            base = base or self.default_branch
            base_sha = self.git.commit_id(f"refs/heads/{base}")
            assert base_sha is not None, f"no branch {base} in {self.git.directory}"
            assert self.has_commit(head_sha), f"{head_sha} is no full SHA of a commit in {self.git.directory}"
            head_ref = f"refs/heads/gh-readonly-queue/{base}/pr-1-{base_sha}"
            group = MergeGroup(head_sha, head_ref, base_sha, f"refs/heads/{base}")
            self.world.tell(Happening("merge_group", "checks_requested", group, by, self))
            return group

    def resolve(self, ref: str) -> str | None:
        """The commit of a branch, tag, SHA, full ref or `pull/N/head`."""
        parts = ref.removeprefix("refs/").split("/")
        if len(parts) == 3 and parts[0] == "pull" and parts[1].isdigit() and parts[2] in {"head", "merge"}:
            pull = self.pulls.get(int(parts[1]))
            if pull is None:
                return None
            return pull.head if parts[2] == "head" else pull.merge_commit_sha
        return self.git.commit_id(ref)
