"""The check run of one run: opened at once, kept up to date at a bounded rate, completed with the verdict.

It never holds a run up and never brings it down. Where GitHub says no (a read-only token), that is said once
and the step reports by summary and exit code. Where GitHub is away, the verdict stays in the step's state, so
that the settling step can write it once more.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from automation.action.job_log import JobLog
from automation.action.state import StateFile
from automation.action.whereabouts import with_place
from automation.errors import AutomationError
from automation.github.check_output import ANNOTATIONS_PER_CALL
from automation.github.check_run import CheckRun, NewCheck
from automation.github.checks import Checks
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.pace import pause_before_update
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion
from automation.redacted import redacted_annotation
from automation.redaction import Redactor
from automation.report import Report
from automation.report.live import SHOWN, write_live_report
from automation.result import Annotation
from automation.run.progress import Phase
from automation.sentences import one_line

EDIT_WITHIN = 1.0
HEAD_START = 0.3
"""Seconds that the run has to reach its server before PyGithub's import takes the processor."""
READ_ONLY = (
    "the token may not write checks, so there is no check run and the step summary and the exit code tell how it "
    "ended; give the job `permissions: checks: write` (a pull request from a fork never gets it)"
)
AWAY = "GitHub could not be told, so the step summary and the exit code tell how it ended"

DOING = {
    Phase.SANDBOX: "Waiting for its sandbox",
    Phase.CONNECT: "Starting",
    Phase.PREPARE: "Starting",
    Phase.UPLOAD: "Starting",
    Phase.START: "Starting",
    Phase.RUN: "Running",
    Phase.STOP: "Being stopped",
    Phase.COLLECT: "Ending",
    Phase.RELEASE: "Ending",
}


@dataclass
class LiveCheck:
    """A check run that lives as long as its run; `Progress` for GitHub.

    Attributes:
        name: the automation's.
        url: of the log that the report links to.
        place: where its run is, for the watchdog.
        check: as GitHub showed it, None while there is none.
        said_no: GitHub refuses to have it; nothing more is tried.
    """

    github: GitHub
    new: NewCheck
    name: str
    run_id: str
    url: str
    redactor: Redactor
    state: StateFile
    log: JobLog
    app_id: int = 0
    place: str = ""
    check: CheckRun | None = None
    said_no: bool = False
    is_concluded: bool = False
    _doing: str = "Starting"
    _output: Excerpt = field(default_factory=lambda: Excerpt(head_bytes=0, tail_bytes=SHOWN))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _contacted: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _hurried: asyncio.Event = field(default_factory=asyncio.Event)
    _concluding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _has_hurried: bool = False
    _creations: int = 0
    _living: "asyncio.Task[None] | None" = None

    def begin(self) -> None:
        """Open it and keep it up to date, in the background."""
        self._living = asyncio.create_task(self._live())

    def enter(self, phase: Phase, detail: str = "") -> None:  # noqa: ARG002
        if phase not in {Phase.SANDBOX, Phase.CONNECT}:
            self._contacted.set()
        self._change(DOING[phase])

    def note(self, sentence: str) -> None:
        pass

    def output(self, data: bytes) -> None:
        self._output.feed(data)
        self._changed.set()

    @property
    def is_settled(self) -> bool:
        """Nothing is left that could be written later."""
        return self.is_concluded or (self.said_no and self.check is None)

    def hurry(self) -> None:
        """From now on nothing is tried again: the runner is about to kill us."""
        self._hurried.set()

    async def conclude(
        self, conclusion: Conclusion, report: Report, annotations: Sequence[Annotation] = ()
    ) -> None:
        """Complete it, opening it first if it is not there yet. Does not fail."""
        self._ended.set()
        if self._living:
            await self._living
        async with self._concluding:
            await self._conclude(conclusion, report.redacted(self.redactor), self._clean_all(annotations))

    async def _conclude(
        self, conclusion: Conclusion, report: Report, annotations: Sequence[Annotation]
    ) -> None:
        if self.is_settled:
            return
        try:
            check = self.check or await self._open(looks=self._living is not None, unless=self._hurried)
            checks = Checks(self.github, check.app_id)
            done = await checks.conclude(check.id, conclusion, report, annotations, unless=self._hurried)
            self.is_concluded = True
            if not done.is_ours:
                self.log.note("somebody had completed the check run already; it was left as it is")
            if done.left_out:
                self.log.note(
                    f"{done.left_out} annotations are not in the check run: GitHub did not take them"
                )
            if self._creations > 1:
                for twin in await checks.twins(check.head_sha, check.external_id):
                    await checks.conclude(twin.id, conclusion, report, unless=self._hurried)
        except GitHubUnavailable as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001  # the outermost: reporting never costs the verdict
            self._note_defect(error)

    async def conclude_in_a_hurry(
        self, conclusion: Conclusion, report: Report, annotations: Sequence[Annotation] = ()
    ) -> None:
        """The same with one try: the runner is about to kill us, and the settling step comes after us."""
        self._ended.set()
        if self._living:
            # An edit that is on its way would arrive after the conclusion and show its text.
            await asyncio.wait([self._living], timeout=EDIT_WITHIN)
        async with self._concluding:
            if self.is_settled or self.check is None or self._has_hurried:
                return
            self._has_hurried = True
            client = self.github.in_a_hurry()
            shown = self._clean_all(annotations[:ANNOTATIONS_PER_CALL])
            try:
                await Checks(client, self.check.app_id).conclude(
                    self.check.id, conclusion, report.redacted(self.redactor), shown, looks=False
                )
                self.is_concluded = True
            except GitHubUnavailable as error:
                self._give_up(error)
            except Exception as error:  # noqa: BLE001  # the outermost: reporting never costs the verdict
                self._note_defect(error)
            finally:
                client.close()

    async def opened(self, within: float) -> bool:
        """Wait a moment for it to be there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._opened.wait()
        return self.check is not None

    def _change(self, doing: str) -> None:
        if doing != self._doing:
            self._doing = doing
            self._changed.set()

    async def _live(self) -> None:
        began = time.monotonic()
        await _first_of(HEAD_START, self._contacted, self._ended)
        try:
            await self._open(unless=self._ended)
        except GitHubRefuses as error:
            self._give_up(error)
            return
        except AutomationError:
            # It is tried again with the verdict.
            return
        except Exception as error:  # noqa: BLE001  # the outermost: reporting never brings a run down
            self._note_defect(error)
            return
        while not self._ended.is_set():
            await _first_of(pause_before_update(time.monotonic() - began), self._ended)
            if self._ended.is_set() or not self._changed.is_set():
                continue
            self._changed.clear()
            with suppress(AutomationError):
                assert self.check is not None  # noqa: S101
                await Checks(self.github).show(self.check.id, self._report())

    async def _open(self, *, looks: bool = False, unless: asyncio.Event | None = None) -> CheckRun:
        self._changed.clear()
        checks = Checks(self.github, self.app_id)
        try:
            self.check = await checks.open(self.new, self._report(), looks=looks, unless=unless)
        finally:
            self._creations += checks.creations
        if self.app_id and self.check.app_id != self.app_id:
            self.log.note(f"the token belongs to the App {self.check.app_id}, and `app-id` is {self.app_id}")
        self.state.note_check(self.check.id, self.check.app_id)
        self._opened.set()
        return self.check

    def _report(self) -> Report:
        report = write_live_report(self.name, self.run_id, self._doing, self._output, self.url)
        return with_place(report.redacted(self.redactor), self.place)

    def _give_up(self, error: GitHubUnavailable) -> None:
        self.said_no = isinstance(error, GitHubRefuses)
        self._opened.set()
        if isinstance(error, GitHubRefuses) and error.status == HTTPStatus.FORBIDDEN:
            self.log.note(f"{READ_ONLY} ({self.redactor.text(error.sentence)})")
        else:
            self.log.note(f"{AWAY} ({self.redactor.text(error.sentence)})")

    def _note_defect(self, error: Exception) -> None:
        self._opened.set()
        what = one_line(f"{type(error).__name__}: {error}", 200)
        self.log.note(f"{AWAY} (a defect of automation-action: {self.redactor.text(what)})")

    def _clean_all(self, annotations: Sequence[Annotation]) -> list[Annotation]:
        return [redacted_annotation(each, self.redactor) for each in annotations]


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    """Return when one of the events has happened, or so much time has passed."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
