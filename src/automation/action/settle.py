"""The step after the step: settles what one that was killed has left, from its state file.

The run is ended on its server and judged by what lies there; the check run is found by its id, or by its
`external_id` if its creation was all that was known, and completed unless it is; the outputs are written.
Everything here can be done twice. Addresses and keys come from this step's own inputs.
"""

import time
from dataclasses import dataclass
from functools import partial

from automation.action.ending import Ending
from automation.action.job_log import JobLog
from automation.action.state import KnownEnd, State, StateFile
from automation.action.surroundings import Surroundings
from automation.agent_server import AgentServer
from automation.backends.giving_back import give_back
from automation.backends.sandbox_connection import SandboxGone, look_again
from automation.cloud import Cloud
from automation.connection import AgentConnection
from automation.errors import AutomationError
from automation.github.check_run import CheckRun
from automation.github.checks import Checks
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.observation import Cause, Observation, Process
from automation.outcome import Outcome, outcome_of
from automation.report import write_report
from automation.run.aftermath import Aftermath, read_aftermath
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.stop import release, stop

BY = "the workflow, whose step was killed"


@dataclass
class Settlement:
    """Settles one run."""

    at: Surroundings
    log: JobLog
    file: StateFile

    async def settle(self, state: State) -> Ending:
        """End it, judge it, report it, and only then remove it: as much of that as is left to do."""
        self.log.say(f"settling run {state.run_id}, which its step has left")
        began = time.monotonic()
        left = await self._end(state)
        outcome = self._outcome(state, left, time.monotonic() - began)
        report = write_report(state.automation, outcome, url=self.at.context.run_url).redacted(
            self.at.redactor
        )
        result = outcome.verdict.result
        end = state.end or KnownEnd(outcome.verdict, report, result.annotations if result else ())
        check, is_told = await self._conclude(state, end)
        if is_told and not outcome.is_lost:
            await self._release(state)
        if is_told or not state.is_ordered:
            await self._give_back()
        elif self.file.sandboxes and not state.keeps_sandbox:
            self.log.note(
                "the sandbox stays until GitHub knows how the run ended; `mode: watchdog` deletes it"
            )
        if is_told and not outcome.is_lost and (state.keeps_sandbox or not self.file.sandboxes):
            self.file.remove()
        return Ending(
            outcome=outcome,
            name=state.automation,
            report=end.report,
            annotations=end.annotations,
            check=check,
            is_ordered=state.is_ordered,
            sandbox_id=state.sandboxes[-1] if state.sandboxes else "",
        )

    def _outcome(self, state: State, left: Aftermath, seconds: float) -> Outcome:
        if state.end is not None:
            return Outcome(
                str(state.run_id),
                state.end.verdict,
                left.output,
                seconds=state.end.seconds,
                is_lost=bool(left.seen.lost),
            )
        return outcome_of(
            str(state.run_id),
            left.seen,
            left.output,
            self.at.redactor,
            outputs=state.outputs,
            timeout=state.timeout,
            seconds=seconds,
        )

    async def _end(self, state: State) -> Aftermath:
        """The run is over, on the server too; what is left of it."""
        if not state.is_ordered:
            return Aftermath.nothing(Observation(process=Process.NEVER_STARTED, stopped_by=BY))
        if state.is_embedded:
            return Aftermath.nothing(Observation(process=Process.GONE, stopped_by=BY))
        key, is_known = state.run_id, state.end is not None
        try:
            async with AgentServer(await self._connection(state)) as server:
                patience = Patience(FIRST_CONTACT)
                # A start can still be on its way, unless its end is known.
                now = await patience.bear(
                    lambda: stop(server, key, None, Cause.CANCELLED, forestall=not is_known)
                )
                if is_known and not now.exists:
                    return Aftermath.nothing(Observation(process=Process.GONE))
                if now.process in {Process.ALIVE, Process.UNKNOWN}:
                    return Aftermath.nothing(Observation(lost="its processes did not end", stopped_by=BY))
                left = await patience.bear(lambda: read_aftermath(server, now, self.at.redactor))
                return left.stopped_by(BY)
        except SandboxGone:
            return Aftermath.nothing(Observation(process=Process.GONE, stopped_by=BY))
        except AutomationError as error:
            return Aftermath.nothing(Observation(lost=error.sentence, stopped_by=BY))

    async def _connection(self, state: State) -> AgentConnection:
        if not state.is_cloud:
            return self.at.connection(is_fork=state.is_fork)
        if not state.sandboxes:
            raise SandboxGone("its sandbox has been deleted")
        find = partial(look_again, state.sandboxes[-1], self.at.cloud_account())
        return await Patience(FIRST_CONTACT).bear(find)

    async def _give_back(self) -> None:
        """Delete the sandboxes that the step has left."""
        state = self.file.state
        if state is None or not state.is_cloud or (state.keeps_sandbox and state.is_ordered):
            return
        if state.asked_at:
            self.log.note(
                "the step ended while a sandbox was asked for: whether there is one, `automation sandboxes` shows"
            )
        async with Cloud(self.at.cloud_account()) as cloud:
            for sandbox_id in state.sandboxes:
                try:
                    await give_back(cloud, sandbox_id)
                except AutomationError as error:
                    said = self.at.redactor.text(error.sentence)
                    self.log.note(f"the sandbox {sandbox_id} could not be deleted ({said})")
                else:
                    await self.file.gave_back(sandbox_id)

    async def _release(self, state: State) -> None:
        if state.keep or state.is_embedded or state.is_cloud or not state.is_ordered:
            return
        try:
            async with AgentServer(self.at.connection(is_fork=state.is_fork)) as server:
                await release(server, state.run_id, None)
        except AutomationError as error:
            self.log.note(f"the run's directory could not be removed from the server ({error.sentence})")

    async def _conclude(self, state: State, end: KnownEnd) -> tuple[CheckRun | None, bool]:
        """The check run, and whether nothing more can be written to it."""
        github = self.at.writer()
        if not state.reports or github is None:
            return None, True
        try:
            return await conclude(github, state, end), True
        except GitHubUnavailable as error:
            self.log.note(f"the check run could not be completed ({self.at.redactor.text(error.sentence)})")
            return None, isinstance(error, GitHubRefuses) and not state.check_id


async def conclude(github: GitHub, state: State, end: KnownEnd) -> CheckRun:
    """Complete the check run of this state, opening it if it is not there.

    Raises:
        GitHubUnavailable: it could not be done.
    """
    checks = Checks(github, state.app_id)
    if state.check_id:
        check = await checks.read(state.check_id)
    else:
        check = await checks.open(state.new_check, end.report, looks=True)
    if not check.is_completed:
        await checks.conclude(check.id, end.verdict.conclusion, end.report, end.annotations)
    return check
