"""The check runs of a repository, the suites that they are in, and the workflow runs behind some of them."""

from typing import TYPE_CHECKING, Any

from tests.fakes.github.answers import no_commit
from tests.fakes.github.apps import App, covers
from tests.fakes.github.check_rules import judge_creation
from tests.fakes.github.checks import CheckRun, Suite
from tests.fakes.github.git import Git
from tests.fakes.github.happenings import Happening
from tests.fakes.github.place import Place
from tests.fakes.github.workflow_runs import WorkflowRun

if TYPE_CHECKING:
    from tests.fakes.github.world import World


class CheckShelf(Place):
    """A place with check runs."""

    def __init__(self, world: "World", identity: int, full_name: str, git: Git, *, is_private: bool) -> None:
        super().__init__(world, identity, full_name, git, is_private=is_private)
        self.suites: list[Suite] = []
        self.check_runs: dict[int, CheckRun] = {}
        self.workflow_runs: dict[int, WorkflowRun] = {}

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
            self._tell_created(check)
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
        suite = self._suite_of(app, body["head_sha"]) or self._new_suite(app, body["head_sha"])
        suite.is_reset = False
        check = self._new_check(suite, body["name"], body)
        self._tell_created(check)
        return check

    def _suite_of(self, app: App, sha: str) -> Suite | None:
        # The suites are in order of creation: a job token's check run goes into the oldest of Actions.
        return next(
            (suite for suite in self.suites if suite.app.id == app.id and suite.head_sha == sha), None
        )

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
        check = CheckRun(identity, name, suite.head_sha, app, suite, page, homepage, self, started_at=now)
        check.write(body, now, keeps_details_url=app is not self.world.actions_app)
        self.check_runs[identity] = check
        return check

    def change_check(self, check: CheckRun, body: dict[str, Any], app: App) -> None:
        """What PATCH does.

        Raises:
            Refusal: GitHub would refuse it.
        """
        check.judge_write(body, app)
        was_completed = check.is_completed
        check.write(body, self.world.clock.stamp(), keeps_details_url=app is not self.world.actions_app)
        if check.is_completed and not was_completed:
            self._tell_completed(check)

    def _tell_created(self, check: CheckRun) -> None:
        check.tell("created", check.app.bot)
        if check.is_completed:
            self._tell_completed(check)

    def _tell_completed(self, check: CheckRun) -> None:
        check.tell("completed", check.app.bot)
        if all(each.is_completed for each in self.check_runs.values() if each.suite is check.suite):
            self._tell_of_suite(check.suite, "completed", check.app.bot)

    def request_suites(self, branch: str, before: str, after: str, by: str) -> None:
        """What a push does: every App that may write checks gets a suite; tells check_suite.requested."""
        for app in list(self.world.apps.values()):
            found = app.installation_on(self.full_name)
            is_wanted = found and not found.is_suspended and covers(app.permissions, "checks", "write")
            if is_wanted and self._suite_of(app, after) is None:
                suite = self._new_suite(app, after)
                suite.head_branch, suite.before = branch, before
                self._tell_of_suite(suite, "requested", by, only=app)

    def rerun_suite(self, sha: str, app: App, *, by: str = "octocat") -> Suite:
        """Somebody asks for all checks of an App at a commit again; tells check_suite.rerequested."""
        with self.world.lock:
            suite = self._suite_of(app, sha)
            assert suite is not None, f"{app.slug} has no check suite at {sha} in {self.full_name}"
            self._tell_of_suite(suite, "rerequested", by, only=app)
            suite.is_reset = True
            return suite

    def _tell_of_suite(self, suite: Suite, action: str, by: str, only: App | None = None) -> None:
        self.world.account(by)
        self.world.tell(Happening("check_suite", action, suite, by, self, {}, only))

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
