"""A repository of the fake: what a test sets up, what the routes read and write, what a test looks at.

A test speaks to it from its own thread while the server answers from others: whatever reads or changes more
than one thing holds the world's lock.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tests.fakes.github.accounts import Membership, membership
from tests.fakes.github.answers import no_commit
from tests.fakes.github.apps import App
from tests.fakes.github.check_rules import judge_creation
from tests.fakes.github.checks import CheckRun, Suite
from tests.fakes.github.git import FULL_SHA, Git
from tests.fakes.github.pulls import Comment, Gone, Pull
from tests.fakes.github.workflow_runs import WorkflowRun

if TYPE_CHECKING:
    from tests.fakes.github.world import World


class Repository:
    """A repository with its git data on disk.

    Attributes:
        truncate_trees: whether tree listings are cut short, as GitHub cuts those over its limits.
        issues: numbers of issues that are no pull requests.
    """

    def __init__(self, world: "World", identity: int, full_name: str, git: Git, *, is_private: bool) -> None:
        self.world = world
        self.id = identity
        self.full_name = full_name
        self.owner, _, self.name = full_name.partition("/")
        self.git = git
        self.is_private = is_private
        self.parent: Repository | None = None
        self.default_branch = git.default_branch()
        self.truncate_trees = False
        self.created_at = world.clock.stamp()
        self.members: dict[str, Membership] = {}
        self.pulls: dict[int, Pull] = {}
        self.issues: set[int] = set()
        self.comments: dict[int, Comment] = {}
        self.suites: list[Suite] = []
        self.check_runs: dict[int, CheckRun] = {}
        self.workflow_runs: dict[int, WorkflowRun] = {}

    def collaborator(self, login: str, role: str, *, base: str | None = None) -> None:
        """Gives a person a role; a custom one needs the `base` that it is built on."""
        with self.world.lock:
            self.world.account(login)
            self.members[login.lower()] = membership(role, base)

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
    ) -> Pull:
        """Opens a pull request; without `head`, the one that is there.

        The head has to be a commit of the repository on disk, also for a fork's: on GitHub they share objects.
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
                self.world.fork(self, fork)
            now = self.world.clock.stamp()
            pull = Pull(
                number=number,
                id=self.world.next_id("pull"),
                head=head,
                base=base,
                head_ref=head_ref,
                author=author,
                clock=self.world.clock,
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
            return pull

    def comment(self, number: int, body: str, *, author: str = "octocat", app: App | None = None) -> Comment:
        """A comment on an issue or a pull request."""
        with self.world.lock:
            self.world.account(author, "Bot" if app else "User")
            now = self.world.clock.stamp()
            comment = Comment(
                self.world.next_id("comment"), number, body, author, now, now, app.slug if app else None
            )
            self.comments[comment.id] = comment
            return comment

    def comments_on(self, number: int) -> list[Comment]:
        with self.world.lock:
            return [comment for comment in self.comments.values() if comment.number == number]

    def workflow_run(
        self,
        identity: int,
        *,
        head_sha: str,
        status: str = "in_progress",
        conclusion: str | None = None,
        event: str = "pull_request",
        name: str = "CI",
        actor: str = "octocat",
        head_branch: str | None = None,
        attempt: int = 1,
    ) -> WorkflowRun:
        """A workflow run with its check suite."""
        with self.world.lock:
            assert self.has_commit(head_sha), f"{head_sha} is no full SHA of a commit in {self.git.directory}"
            self.world.account(actor)
            suite = self._new_suite(self.world.actions_app, head_sha, identity)
            now = self.world.clock.stamp()
            run = WorkflowRun(
                id=identity,
                head_sha=head_sha,
                number=len(self.workflow_runs) + 1,
                event=event,
                name=name,
                actor=actor,
                head_branch=head_branch or self.default_branch,
                clock=self.world.clock,
                on_end=self._end_tokens,
                suite_id=suite.id,
                status=status,
                conclusion=conclusion,
                attempt=attempt,
                created_at=now,
                updated_at=now,
            )
            self.workflow_runs[identity] = run
            return run

    def _end_tokens(self, run: WorkflowRun) -> None:
        for token in self.world.tokens.values():
            if token.run_id == run.id and self.full_name.lower() in token.repositories:
                token.expire()

    def job_check(self, name: str, sha: str, *, run_id: int, status: str = "in_progress") -> CheckRun:
        """The check run of a workflow's job: GitHub's own, whose status nobody else may change."""
        with self.world.lock:
            if run_id not in self.workflow_runs:
                self.workflow_run(run_id, head_sha=sha)
            suite = next(suite for suite in self.suites if suite.run_id == run_id)
            assert suite.head_sha == sha, f"workflow run {run_id} is at {suite.head_sha}, not at {sha}"
            check = self._new_check(suite, name, {"status": status})
            check.job_of = run_id
            check.html_url = check.details_url = (
                f"{self.world.url}/{self.full_name}/actions/runs/{run_id}/job/{check.id}"
            )
            return check

    def foreign_check(self, name: str, sha: str, *, app: str, **body: Any) -> CheckRun:
        """A check run that another App created; `body` as in the API."""
        with self.world.lock:
            found = self.world.apps_by_slug.get(app) or self.world.add_app(
                app, {"checks": "write"}, self.owner
            )
            return self.create_check({"name": name, "head_sha": sha, **body}, found)

    def create_check(self, body: dict[str, Any], app: App) -> CheckRun:
        """What POST does, for an App that may do it.

        Raises:
            Refusal: GitHub would refuse the body.
        """
        judge_creation(body)
        if not self.has_commit(body["head_sha"]):
            raise no_commit(body["head_sha"])
        suite = next((suite for suite in self.suites if self._is_fit(suite, app, body["head_sha"])), None)
        suite = suite or self._new_suite(app, body["head_sha"])
        return self._new_check(suite, body["name"], body)

    def _is_fit(self, suite: Suite, app: App, sha: str) -> bool:
        # The suites are in order of creation: a job token's check run goes into the oldest of Actions.
        return suite.app.id == app.id and suite.head_sha == sha

    def _new_suite(self, app: App, sha: str, run_id: int | None = None) -> Suite:
        suite = Suite(self.world.next_id("suite"), app, sha, self.world.clock.stamp(), run_id)
        self.suites.append(suite)
        return suite

    def _new_check(self, suite: Suite, name: str, body: dict[str, Any]) -> CheckRun:
        identity = self.world.next_id("check run")
        page = f"{self.world.url}/{self.full_name}/runs/{identity}"
        app = suite.app
        now = self.world.clock.stamp()
        homepage = page if app is self.world.actions_app else f"{self.world.url}/apps/{app.slug}"
        check = CheckRun(identity, name, suite.head_sha, app, suite, page, homepage, started_at=now)
        check.write(body, now, keeps_details_url=app is not self.world.actions_app)
        self.check_runs[identity] = check
        return check

    def change_check(self, check: CheckRun, body: dict[str, Any], app: App) -> None:
        """What PATCH does.

        Raises:
            Refusal: GitHub would refuse it.
        """
        check.judge_write(body, app)
        check.write(body, self.world.clock.stamp(), keeps_details_url=app is not self.world.actions_app)

    def checks(self, sha: str | None = None) -> list[CheckRun]:
        """Check runs of a commit, or of all, newest last."""
        with self.world.lock:
            return [check for check in self.check_runs.values() if sha in {None, check.head_sha}]

    def check(self, name: str, sha: str | None = None) -> CheckRun:
        """The only check run of that name."""
        there = self.checks(sha)
        found = [check for check in there if check.name == name]
        if len(found) != 1:
            shown = "\n".join(
                f"  {check.name!r} by {check.app_slug} at {check.head_sha[:12]}: {check.status}, {check.conclusion}"
                for check in there
            )
            raise AssertionError(
                f"{len(found)} check runs are named {name!r} in {self.full_name}, not one; there are:\n"
                f"{shown or '  none'}"
            )
        return found[0]

    def resolve(self, ref: str) -> str | None:
        """The commit of a branch, tag, SHA, full ref or `pull/N/head`."""
        parts = ref.removeprefix("refs/").split("/")
        if len(parts) == 3 and parts[0] == "pull" and parts[1].isdigit() and parts[2] in {"head", "merge"}:
            pull = self.pulls.get(int(parts[1]))
            if pull is None:
                return None
            return pull.head if parts[2] == "head" else pull.merge_commit_sha
        return self.git.commit_id(ref)

    def has_commit(self, sha: str) -> bool:
        return bool(FULL_SHA.fullmatch(sha)) and self.git.commit_id(sha) == sha

    def pulls_of(self, sha: str) -> Iterable[Pull]:
        """Open pull requests from the repository itself with this head; GitHub lists no forks' with checks."""
        return [
            pull
            for pull in self.pulls.values()
            if pull.head == sha and pull.fork is None and pull.state == "open"
        ]
