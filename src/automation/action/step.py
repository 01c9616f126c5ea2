"""One step of a workflow in `mode: run`: from its inputs to a concluded check run, outputs and an exit code.

    inputs -> backend -> target -> definition -> gate -> check run -> assembly -> run -> verdict

The check run is opened while the run is being assembled, and concluded while the run is being removed from
its server. What goes wrong before there is a run is a verdict, too, and reported in the same way; only a
refused comment makes no check run, so that strangers cannot colour a pull request.
"""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast
from uuid import uuid4

from automation.action.context import Context
from automation.action.ending import Ending
from automation.action.gate import commenter
from automation.action.inputs import Inputs
from automation.action.job_log import JobLog
from automation.action.live_check import LiveCheck
from automation.action.places import places_of
from automation.action.preparation import Preparation
from automation.action.state import KnownEnd, StateFile
from automation.action.surroundings import Surroundings
from automation.action.target import COMMENT, Target
from automation.assembly import assemble
from automation.backends import Backend, BackendName
from automation.backends.cloud import CloudSandbox
from automation.catalogue import Automation
from automation.errors import AutomationError, Misconfigured
from automation.exit_codes import Exit
from automation.external_id import ExternalId
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.report import Report, write_report
from automation.result import Annotation
from automation.room import own_directory
from automation.run.conduct import Conductor
from automation.run.progress import Phase
from automation.run.start import Order
from automation.run.stop_request import StopRequest
from automation.sentences import one_line
from automation.verdict import Verdict, not_started

BY = "the workflow (cancelled, or over its time)"
TELL_AFTER = 2.5
OPENED_WITHIN = 2.0
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
    _backend: Backend | None = None
    _sandbox_id: str = ""
    _stays: bool = False
    _stop: StopRequest = field(default_factory=StopRequest)
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
            await self._give_up(not_started(error), places_of(error))
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
        has_left = bool(self.state.sandboxes) and not self._stays
        if not outcome.is_lost and not has_left and (self._check is None or self._check.is_settled):
            self.state.remove()
        return Ending(
            outcome=outcome,
            name=self.name,
            report=self._report(outcome),
            annotations=self._annotations,
            check=self._check.check if self._check else None,
            is_ordered=self.is_ordered,
            sandbox_id=self._sandbox_id,
        )

    @property
    def _preparation(self) -> Preparation:
        return Preparation(self.at, self.note)

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
            if isinstance(self._backend, CloudSandbox):
                self._backend.is_hurried = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)

    async def _run(self) -> None:
        backend = self._choose_backend()
        self.log.group("Preparing the run")
        asker = commenter(self.context)
        github = self.at.reader()
        plan = self._preparation
        self._target = target = await plan.target(github)
        if isinstance(backend, Misconfigured):
            raise backend
        source = plan.source(target, github)
        with own_directory("automation-action-", self.context.temporary) as workspace:
            automation = await asyncio.to_thread(plan.automation, target, source, workspace)
            self.name = automation.definition.name
            if target.definition_ref:
                self.note(f"the definition is the one at {target.definition_ref}")
            await plan.pass_gate(github, asker, target, automation, is_isolated=plan.is_isolated(backend))
            self._stays = plan.keeps(automation)
            self._open_check(target, automation, backend)
            wish = plan.wish(self.run_id, target, automation, self._keys)
            assembly = await asyncio.to_thread(assemble, automation, source, wish, workspace)
            for note in assembly.notes:
                self.note(self.at.redactor.text(note))
            connector = plan.connector(backend, target, automation, self._keys, self.state)
            await self._conduct(connector, assembly.order)

    def _choose_backend(self) -> BackendName | Misconfigured:
        """Which one, or what is wrong with the choice: that is reported once it is known where."""
        try:
            backend, why = self._preparation.backend()
        except Misconfigured as error:
            return error
        self.log.say(f"backend {backend}, {why} · run {self.run_id}")
        return backend

    async def _give_up(self, verdict: Verdict, places: tuple[Annotation, ...] = ()) -> None:
        """There is no run to speak of; a check run all the same, where it is known on which commit."""
        self._annotations = places
        if self.state.state is None and self._target and self.context.event_name != COMMENT:
            self._open_check(self._target, None, BackendName.AGENT_SERVER)
        await self._take(self._without_run(verdict))

    def _open_check(self, target: Target, automation: Automation | None, backend: BackendName) -> None:
        plan = self._preparation
        self._keys = plan.keys(self.run_id, automation)
        state = plan.state(self._keys, self.name, target, automation, backend=backend)
        self.state.write(state)
        writer = self.at.writer()
        if writer is None:
            self.note(NO_TOKEN)
            return
        self._check = LiveCheck(
            github=writer,
            new=state.new_check,
            name=self.name,
            run_id=self.run_id,
            url=self.context.run_url,
            redactor=self.at.redactor,
            state=self.state,
            log=self.log,
            app_id=self.at.app_id,
            place=plan.place(backend, target),
        )
        self._check.begin()

    async def _conduct(self, backend: Backend, order: Order) -> None:
        self._backend = backend
        if isinstance(backend, CloudSandbox):
            self.enter(Phase.SANDBOX, backend.account.url)
        async with backend.connect() as connection:
            if connection.sandbox_id:
                self._sandbox_id = connection.sandbox_id
                self.log.say(f"sandbox {connection.sandbox_id}")
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
        is_told = self._check is None or self._check.is_settled
        if isinstance(self._backend, CloudSandbox) and not is_told:
            self._backend.keep = True
            self.note(f"the sandbox stays until GitHub knows how the run ended; {self._backend.left_to}")
        return is_told

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
        return Outcome(self.run_id, verdict, Excerpt(), seconds=time.monotonic() - self._began)

    def _report(self, outcome: Outcome) -> Report:
        return write_report(self.name, outcome, url=self.context.run_url).redacted(self.at.redactor)
