"""Check runs and their suites, as GitHub keeps them.

Where sources differ: a PATCH that takes a completed run back to queued or in_progress is refused here with
422; on GitHub it is refused or merely not drawn. An in_progress run that is given a conclusion together with
`status: in_progress` never completes, as was seen on GitHub.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.github.answers import failed_validation, refusal
from tests.fakes.github.apps import App
from tests.fakes.github.check_rules import cut, judge_change, read_time
from tests.fakes.github.happenings import Happening

if TYPE_CHECKING:
    from tests.fakes.github.check_shelf import CheckShelf

MAX_SHOWN = 2000


@dataclass
class Suite:
    """The check runs of one App, or of one workflow run, at a commit.

    Attributes:
        run_id: the workflow run it belongs to, None for an App's.
        head_branch: what was pushed to, None where nobody pushed or it is not known.
        is_reset: whether somebody asked for it again and no new check run has come since.
    """

    id: int
    app: App
    head_sha: str
    created_at: str
    run_id: int | None = None
    head_branch: str | None = None
    before: str | None = None
    is_reset: bool = False


@dataclass
class CheckRun:
    """One check run, as it stands.

    Attributes:
        html_url: GitHub's own page of it.
        job_of: the workflow run whose job this is, None for what somebody created over the API.
        writes: the body of every create and PATCH that was accepted, in order.
    """

    id: int
    name: str
    head_sha: str
    app: App
    suite: Suite
    html_url: str
    details_url: str
    home: "CheckShelf" = field(repr=False)
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    started_at: str = ""
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    job_of: int | None = None
    writes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app_id(self) -> int:
        return self.app.id

    @property
    def app_slug(self) -> str:
        return self.app.slug

    @property
    def is_completed(self) -> bool:
        return self.status == "completed"

    @property
    def buttons(self) -> list[str]:
        """Identifiers of the buttons that are drawn; GitHub draws none before completion."""
        return [action["identifier"] for action in self.actions] if self.is_completed else []

    def rerun(self, *, by: str = "octocat") -> None:
        """Somebody clicks Re-run; tells check_run.rerequested to its App.

        GitHub resets the suite and leaves the check run as it is:
        https://docs.github.com/rest/checks/runs#rerequest-a-check-run
        """
        with self.home.world.lock:
            assert self.is_completed, f"check run {self.name!r} is {self.status}: it has no Re-run yet"
            self.tell("rerequested", by, only=self.app)
            self.suite.is_reset = True

    def click(self, identifier: str, *, by: str = "octocat") -> None:
        """Somebody clicks a button; tells check_run.requested_action to its App."""
        with self.home.world.lock:
            assert identifier in self.buttons, (
                f"check run {self.name!r} is {self.status} and has the buttons {self.buttons}, no {identifier!r}"
            )
            details = {"requested_action": {"identifier": identifier}}
            self.tell("requested_action", by, details, only=self.app)

    def tell(
        self, action: str, by: str, details: Mapping[str, Any] | None = None, only: App | None = None
    ) -> None:
        self.home.world.account(by)
        self.home.world.tell(Happening("check_run", action, self, by, self.home, details or {}, only))

    def is_(self, conclusion: str) -> Self:
        """Asserts that it is completed with this conclusion."""
        assert (self.status, self.conclusion) == ("completed", conclusion), (
            f"check run {self.name!r} is {self.status}, {self.conclusion}, not completed, {conclusion}\n"
            f"title: {self.title}\nsummary: {(self.summary or '')[:MAX_SHOWN]}"
        )
        return self

    def write(self, body: Mapping[str, Any], now: str, *, keeps_details_url: bool) -> None:
        """Take over what a body says that was judged before.

        Args:
            now: for the times that the body leaves out.
            keeps_details_url: whether its creator may choose the link; GitHub replaces a job token's.
        """
        if keeps_details_url:
            self.details_url = body.get("details_url", self.details_url)
        self.name = body.get("name", self.name)
        self.external_id = body.get("external_id", self.external_id)
        if "started_at" in body:
            self.started_at = read_time("started_at", body["started_at"])
        if "actions" in body:
            self.actions = [dict(action) for action in body["actions"]]
        if "output" in body:
            self._write_output(body["output"])
        if "conclusion" in body:
            self.conclusion = body["conclusion"]
            self.status = body.get("status", "completed")
        elif "status" in body:
            self.status = body["status"]
        if self.is_completed:
            given = body.get("completed_at")
            self.completed_at = read_time("completed_at", given) if given else self.completed_at or now
        self.writes.append(dict(body))

    def _write_output(self, output: Mapping[str, Any]) -> None:
        self.title = output["title"]
        self.summary = output["summary"]
        self.text = cut(output["text"]) if "text" in output else None
        self.images = [dict(image) for image in output.get("images", [])]
        self.annotations += [dict(annotation) for annotation in output.get("annotations", [])]

    def judge_write(self, body: Mapping[str, Any], app: App) -> None:
        """Raises: Refusal, for a PATCH that GitHub does not take from this App at this time."""
        if app.id != self.app.id:
            raise refusal(
                403,
                f"Invalid app_id `{app.id}` - check run can only be modified by the GitHub App that created it.",
            )
        if self.job_of is not None and ("status" in body or "conclusion" in body):
            raise refusal(
                403, "Check run status and conclusions can only be updated internally by GitHub Actions"
            )
        judge_change(body)
        goes_back = self.is_completed and body.get("status", "completed") != "completed"
        if goes_back:
            raise failed_validation("CheckRun", "status", "a completed check run cannot be taken back")
