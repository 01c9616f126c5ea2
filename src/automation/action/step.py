"""One step of a workflow in `mode: run`: from its inputs to a concluded check run, outputs and an exit code.

    inputs -> backend -> target -> definition -> gate -> check run -> assembly -> run -> verdict

The check run is opened while the run is being assembled, and concluded while the run is being removed from
its server. What goes wrong before there is a run is a verdict, too, and reported in the same way; only a
refused comment makes no check run, so that strangers cannot colour a pull request.
"""

import asyncio
import os
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

from automation.action.context import Context
from automation.action.ending import Ending
from automation.action.gate import check_fork, check_role, commenter
from automation.action.inputs import Inputs, choose_backend, refuse_embedded
from automation.action.job_log import JobLog
from automation.action.live_check import LiveCheck
from automation.action.owner import owner_mark
from automation.action.source import PinnedSource
from automation.action.state import KnownEnd, State, StateFile
from automation.action.surroundings import Surroundings
from automation.action.target import COMMENT, Target, pull_request_to_read, target_of
from automation.assembly import Wish, assemble
from automation.backends import Backend, BackendName
from automation.backends.agent_server import PersistentServer
from automation.backends.embedded import EmbeddedServer
from automation.catalogue import DEFAULT_PLACES, Automation, find_automation
from automation.errors import AutomationError, Misconfigured
from automation.exit_codes import Exit
from automation.github import GitHub
from automation.github.checks import NewCheck
from automation.github.contents import Contents
from automation.github.external_id import ExternalId, Face
from automation.github.people import role_of
from automation.github.pull_request import PullRequest
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.packing.repository import Repository
from automation.reasons import Conclusion, Reason
from automation.report import Report, write_report
from automation.result import Annotation, AnnotationLevel
from automation.run.conduct import Conductor, Stop
from automation.run.progress import Phase
from automation.run.start import BACKSTOP, Order
from automation.sentences import one_line
from automation.verdict import Verdict, not_started

BY = "the workflow (cancelled, or over its time)"
TELL_AFTER = 2.5
OPENED_WITHIN = 2.0
MARGIN = 3600.0
"""Seconds for what comes before and after a run; after its deadline nothing of it can still be going on."""
LATEST = 10**12 - 1
NO_TOKEN = "there is no `github-token`: no check run, the step summary and the exit code tell how it ended"  # noqa: S105


@dataclass
class Step:
    """One execution; `Progress` for its run.

    Attributes:
        state: what the settling step will find if this one is killed.
        name: the automation's, as far as it is known.
        is_ordered: there may be a run on a server.
    """

    at: Surroundings
    log: JobLog
    state: StateFile
    run_id: str = field(default_factory=lambda: str(uuid4()))
    name: str = ""
    is_ordered: bool = False
    is_cancelled: bool = False
    _is_beginning: bool = True
    _target: Target | None = None
    _keys: ExternalId = field(init=False)
    _check: LiveCheck | None = None
    _outcome: Outcome | None = None
    _annotations: tuple[Annotation, ...] = ()
    _stop: Stop = field(default_factory=Stop)
    _known: asyncio.Event = field(default_factory=asyncio.Event)
    _telling: "asyncio.Task[None] | None" = None
    _began: float = field(default_factory=time.monotonic)

    async def run(self) -> Ending:
        """Everything, to its end; what could not be done is in the ending's verdict."""
        self.name = self.inputs.check_name or self.inputs.automation
        self._listen()
        try:
            await self._run()
        except asyncio.CancelledError:
            self._is_beginning = False
            by = f"the run was stopped by {BY} before it was started"
            await self._take(self._without_run(Verdict(Conclusion.CANCELLED, Reason.CANCELLED, by)))
        except AutomationError as error:
            self._is_beginning = False
            await self._give_up(not_started(error), _places(error))
        except Exception as error:  # noqa: BLE001  # the outermost: what nobody foresaw is a verdict, too
            self._is_beginning = False
            what = self.at.redactor.text(one_line(f"{type(error).__name__}: {error}"))
            self.note(f"a defect of automation-action: {what}")
            if self._outcome is None:
                what = f"automation-action itself failed: {what}"
                await self._give_up(Verdict(Conclusion.FAILURE, Reason.INTERNAL_ERROR, what))
        outcome = cast("Outcome", self._outcome)
        if self._telling:
            await self._telling
        if not outcome.is_lost and (self._check is None or self._check.is_settled):
            self.state.remove()
        return Ending(
            outcome=outcome,
            name=self.name,
            report=self._report(outcome),
            annotations=self._annotations,
            check=self._check.check if self._check else None,
            is_ordered=self.is_ordered,
        )

    @property
    def inputs(self) -> Inputs:
        return self.at.inputs

    @property
    def context(self) -> Context:
        return self.at.context

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.log.enter(phase, detail)
        if self._check:
            self._check.enter(phase, detail)

    def output(self, data: bytes) -> None:
        self.log.output(data)
        if self._check:
            self._check.output(data)

    def note(self, sentence: str) -> None:
        self.log.note(sentence)

    def _listen(self) -> None:
        """The first signal ends the run, here and on the server; the second one does not wait for that."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101

        def on_signal(number: signal.Signals) -> None:
            if self.is_cancelled:
                self.log.close()
                os._exit(Exit.CANCELLED)
            self.is_cancelled = True
            self.log.say(f"{number.name}: stopping the run on the server")
            if self.is_ordered:
                self._stop.ask(BY)
                self._telling = asyncio.create_task(self._tell_early())
            elif self._is_beginning:
                task.cancel()
            if self._check:
                self._check.hurry()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)

    async def _run(self) -> None:
        backend = self._choose_backend()
        self.log.group("Preparing the run")
        asker = commenter(self.context)
        github = self.at.reader()
        self._target = target = await self._read_target(github)
        if isinstance(backend, Misconfigured):
            raise backend
        contents = Contents(github, asyncio.get_running_loop()) if github else None
        source = PinnedSource(target.sha, Repository.discover(self._directory()), contents)
        with tempfile.TemporaryDirectory(
            prefix="automation-action-", dir=self.context.temporary, ignore_cleanup_errors=True
        ) as directory:
            workspace = Path(directory)
            automation = await asyncio.to_thread(self._automation, target, source, workspace)
            if target.definition_ref:
                self.note(f"the definition is the one at {target.definition_ref}")
            is_apart = backend is BackendName.AGENT_SERVER and bool(self.at.settings.fork_agent_server_url)
            await self._pass_gate(github, asker, target, automation, is_isolated=is_apart)
            self._open_check(target, automation, is_embedded=backend is BackendName.EMBEDDED)
            wish = self._wish(target, automation)
            assembly = await asyncio.to_thread(assemble, automation, source, wish, workspace)
            for note in assembly.notes:
                self.note(self.at.redactor.text(note))
            await self._conduct(self._backend(backend, target), assembly.order)

    async def _give_up(self, verdict: Verdict, places: tuple[Annotation, ...] = ()) -> None:
        """There is no run to speak of; a check run all the same, where it is known on which commit."""
        self._annotations = places
        if self._check is None and self._target and self.context.event_name != COMMENT:
            self._open_check(self._target, None)
        await self._take(self._without_run(verdict))

    def _choose_backend(self) -> BackendName | Misconfigured:
        """Which one, or what is wrong with the choice: that is reported once it is known where."""
        try:
            refuse_embedded(self.context.event_name, self.inputs)
            backend, why = choose_backend(self.inputs, self.at.settings)
        except Misconfigured as error:
            return error
        if self._is_the_jobs(self.inputs.check_name):
            return Misconfigured(
                "`check-name` is also the job's name, and GitHub shows one of the two: give it another one"
            )
        self.log.say(f"backend {backend}, {why} · run {self.run_id}")
        return backend

    async def _read_target(self, github: GitHub | None) -> Target:
        number = pull_request_to_read(self.context, self.inputs.pull_request)
        if number is None:
            return target_of(self.context, self.inputs.sha, None)
        if github is None:
            raise Misconfigured(f"pull request {number} has to be read: give `github-token`")
        pull = PullRequest.read(await github.get(f"/pulls/{number}"))
        return target_of(self.context, self.inputs.sha, pull)

    def _automation(self, target: Target, source: PinnedSource, workspace: Path) -> Automation:
        root = self._directory()
        if target.definition_ref:
            root = workspace / "definition"
            places = (self.inputs.automations_path,) if self.inputs.automations_path else DEFAULT_PLACES
            source.write_directories(target.definition_ref, places, root)
        elif source.checkout is not None:
            root = source.checkout.root
        try:
            found = find_automation(root, self.inputs.automation, self.inputs.automations_path)
        except Misconfigured as error:
            if target.definition_ref or source.checkout is not None:
                raise
            raise Misconfigured(
                f"{error.sentence}; nothing has been checked out here: is `actions/checkout` a step before this one?",
                reason=error.reason,
                places=error.places,
            ) from None
        self.name = found.definition.name
        return found

    async def _pass_gate(
        self,
        github: GitHub | None,
        asker: str | None,
        target: Target,
        automation: Automation,
        *,
        is_isolated: bool,
    ) -> None:
        settings = automation.definition.settings
        role = await role_of(github, asker) if asker is not None and github is not None else None
        if asker is not None:
            check_role(asker, role, settings)
        check_fork(self.context, target, role, settings, self.inputs.sha, is_isolated=is_isolated)
        if target.is_fork and not is_isolated:
            self.note(
                "a fork's code runs where other runs do: they can read each other. Set "
                "AUTOMATION_FORK_AGENT_SERVER_URL to a server that is set aside for forks"
            )

    def _open_check(
        self, target: Target, automation: Automation | None, *, is_embedded: bool = False
    ) -> None:
        timeout = self.inputs.timeout or (automation.definition.timeout_seconds if automation else 0)
        deadline = int(min(time.time() + timeout + BACKSTOP + MARGIN, LATEST))
        self._keys = ExternalId(
            Face.ACTION, self.context.run_id, UUID(self.run_id), self.context.attempt, deadline
        )
        new = NewCheck(
            name=self.at.redactor.text(self._check_name()),
            head_sha=target.sha,
            external_id=str(self._keys),
            details_url=self.context.run_url,
        )
        writer = self.at.writer()
        self.state.write(
            State(
                run_id=UUID(self.run_id),
                automation=self.name,
                check_name=new.name,
                head_sha=new.head_sha,
                external_id=new.external_id,
                details_url=new.details_url,
                app_id=self.at.app_id,
                outputs=automation.definition.settings.outputs if automation else (),
                timeout=timeout,
                reports=writer is not None,
                is_embedded=is_embedded,
                is_fork=target.is_fork,
                keep=self.inputs.keep,
            )
        )
        if writer is None:
            self.note(NO_TOKEN)
            return
        self._check = LiveCheck(
            github=writer,
            new=new,
            name=self.name,
            run_id=self.run_id,
            url=self.context.run_url,
            redactor=self.at.redactor,
            state=self.state,
            log=self.log,
            app_id=self.at.app_id,
        )
        self._check.begin()

    def _check_name(self) -> str:
        """Never the job's: two check runs of one name on a commit hide each other."""
        name = self.inputs.check_name or self.name
        return f"{name} (automation)" if self._is_the_jobs(name) else name

    def _is_the_jobs(self, name: str) -> bool:
        return bool(name) and name.casefold() == self.context.job.casefold()

    def _wish(self, target: Target, automation: Automation) -> Wish:
        names = set(automation.definition.settings.secrets)
        unlisted = sorted(set(self.inputs.secrets) - names)
        if unlisted:
            self.note(f"of `secrets`, {len(unlisted)} are not listed under github.secrets and stay here")
        return Wish(
            run_id=self.run_id,
            revision=target.sha,
            base=target.base_sha,
            head_ref=target.head_ref,
            base_ref=target.base_ref,
            pull_request=target.pull_request,
            is_fork=target.is_fork,
            inputs=self.inputs.inputs,
            environment=self.inputs.environment,
            secrets={name: value for name, value in self.inputs.secrets.items() if name in names},
            timeout=self.inputs.timeout,
            event_name=self.context.event_name,
            event=self.context.event,
            owner=owner_mark(self.context, self._keys),
        )

    def _backend(self, name: BackendName, target: Target) -> Backend:
        match name:
            case BackendName.EMBEDDED:
                return EmbeddedServer()
            case BackendName.AGENT_SERVER:
                return PersistentServer(self.at.connection(is_fork=target.is_fork))

    async def _conduct(self, backend: Backend, order: Order) -> None:
        async with backend.connect() as connection:
            conductor = Conductor(
                connection,
                order,
                secrets=self.at.secrets,
                patience=self.at.settings.patience,
                keep=self.inputs.keep,
                progress=self,
                stop=self._stop,
                on_verdict=self._take,
            )
            self.state.note_order()
            self.is_ordered, self._is_beginning = True, False
            await conductor.conduct()

    async def _take(self, outcome: Outcome) -> bool:
        """The verdict is known: write it down, then tell GitHub; whether nobody needs the server's record any more."""
        self._outcome = outcome
        self._known.set()
        if outcome.verdict.result:
            self._annotations = outcome.verdict.result.annotations
        end = KnownEnd(outcome.verdict, self._report(outcome), self._annotations, outcome.seconds)
        self.state.note_end(end)
        await self._conclude(end)
        return self._check is None or self._check.is_settled

    async def _conclude(self, end: KnownEnd) -> None:
        if self._check is None:
            return
        if not self.is_cancelled:
            await self._check.conclude(end.verdict.conclusion, end.report, end.annotations)
            return
        await self._check.opened(OPENED_WITHIN)
        await self._check.conclude_in_a_hurry(end.verdict.conclusion, end.report, end.annotations)

    async def _tell_early(self) -> None:
        """GitHub kills a cancelled step 10 s after it asked; a stop may take nearly as long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TELL_AFTER):
                await self._known.wait()
        if self._outcome is None:
            by = f"the run was stopped by {BY}; that it has ended on the server is not confirmed yet"
            verdict = Verdict(Conclusion.CANCELLED, Reason.CANCELLED, by)
            report = self._report(self._without_run(verdict))
            await self._conclude(KnownEnd(verdict, report))

    def _without_run(self, verdict: Verdict) -> Outcome:
        return Outcome(
            run_id=self.run_id,
            verdict=verdict,
            output=Excerpt(),
            seconds=time.monotonic() - self._began,
        )

    def _report(self, outcome: Outcome) -> Report:
        return self.at.clean(write_report(self.name, outcome, url=self.context.run_url))

    def _directory(self) -> Path:
        directory = (self.context.workspace / self.inputs.working_directory).resolve()
        if not directory.is_dir():
            raise Misconfigured(
                f"`working-directory` is {self.inputs.working_directory!r}, and there is no such directory in the workspace"
            )
        return directory


def _places(error: AutomationError) -> tuple[Annotation, ...]:
    """The lines that a configuration is wrong in, to be shown where they are."""
    if not isinstance(error, Misconfigured):
        return ()
    return tuple(
        Annotation(
            path=_utf_8(place.file),
            start_line=place.line,
            annotation_level=AnnotationLevel.FAILURE,
            message=_utf_8(place.complaint),
        )
        for place in error.places
    )


def _utf_8(text: str) -> str:
    """Names of files may be no text at all."""
    return text.encode("utf-8", "replace").decode()
