"""Drive one run as far as it can go: read its row, look at the world, do the next thing, write the row.

    queued -> starting -> running -> concluding -> ended

It may die anywhere and be called again by whoever comes next. What it is about to do outside is written before, and
every effect is find-or-create: the check run by its `external_id`, the run on the server by its claim, comments by
their marker. A driver that has lost the run to a newer one writes nothing more.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from automation.agent_server import Line
from automation.connection import AgentConnection
from automation.errors import AutomationError, NoRoom
from automation.github import GitHub, GitHubRefuses, GitHubUnavailable
from automation.observation import Cause, Observation, Process
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.run.commands import Look
from automation.run.conduct import Conductor
from automation.run.patience import Patience
from automation.run.progress import Phase
from automation.run.start import Order
from automation.run.stop import look_settled
from automation.verdict import Verdict, judge, not_started
from bot.bot import Bot
from bot.callback import callback_tokens
from bot.runs import connections, sandboxes
from bot.runs.authorised import authorise_again
from bot.runs.end import end_of
from bot.runs.live import LiveRun
from bot.runs.order import Ordering
from bot.runs.row import Row
from bot.runs.run import End, Overtaken, Run, State
from bot.runs.said import worsened
from bot.runs.telling import Telling
from bot.store.errors import DatabaseUnavailable

BORNE = 3600.0
"""Seconds for which a run that has its turn waits at the least for a GitHub that is away, or for room on the disk."""

log = logging.getLogger(__name__)


@dataclass
class Drive:
    """One driver's turn at one run.

    Attributes:
        live: the run; whoever watches looks there.
        on_over: called once its verdict is known, which others may have waited for.
    """

    bot: Bot
    live: LiveRun
    on_over: Callable[[], None] = lambda: None
    _github: GitHub = field(init=False)
    _row: Row = field(init=False)
    _telling: Telling = field(init=False)

    def __post_init__(self) -> None:
        self._github = self.bot.installations.client(self.run.repository, self.run.installation)
        self._row = Row(self.bot.store, self.live)
        self._telling = Telling(self.bot, self._github, self._row)

    @property
    def run(self) -> Run:
        return self.live.run

    async def advance(self) -> None:
        """Go on to the end of the run, or until it has to wait for its turn.

        Raises:
            AutomationError: GitHub, the database or room was not to be had; called again later, it goes on.
        """
        try:
            if self.run.end is None:
                await self._execute_in_turn()
            if self.run.end is not None and self.run.state is not State.ENDED:
                await self._tell(self.run.end)
        except Overtaken:
            log.info("run %s: taken over", self.run.id)
        finally:
            await self._telling.leave_off()

    async def _execute_in_turn(self) -> None:
        run = self.run
        if run.stop_by and not run.may_be_started:
            await self._end_without_run(_stopped_before(run))
        elif run.state is State.QUEUED:
            # It has no turn or no place yet: people see that it waits.
            await self._telling.open()
        else:
            await self._execute()

    async def _execute(self) -> None:
        """From its turn to its verdict."""
        try:
            if not (self.run.is_ordered or self.run.stop_by):
                await authorise_again(self.bot, self._github, self.run)
            if self.run.stop_by and not self.run.may_be_started:
                await self._end_without_run(_stopped_before(self.run))
                return
            self._telling.begin()
            await self._conduct()
        except GitHubRefuses as error:
            await self._end_unstarted(error)
        except (GitHubUnavailable, NoRoom) as error:
            # Nothing is known to be wrong: another try may find GitHub back, or room.
            if await self._may_try_again():
                raise
            await self._end_unstarted(error)
        except DatabaseUnavailable:
            raise
        except AutomationError as error:
            await self._end_unstarted(error)

    async def _may_try_again(self) -> bool:
        """Whether what it lacks may still come in time; also for what had to wait for its turn for long."""
        now = self.bot.clock.now()
        if not self.run.tried_since:
            await self._row.save(tried_since=now)
        return now < max(self.run.deadline, self.run.tried_since + BORNE)

    async def _conduct(self) -> None:
        if self.run.is_ordered:
            await self._conduct_again()
            return
        async with Ordering(self.bot, self.run).assembled(self._github) as order:
            connection = await self._connection(order)
            if connection is None:
                await self._end_without_run(_stopped_before(self.run))
                return
            async with self.bot.lines.to(connection) as line:
                await self._follow(connection, line, order)

    async def _conduct_again(self) -> None:
        """The run may be on its server already."""
        ordering = Ordering(self.bot, self.run)
        connection = await connections.connection_of(self.bot, self.run)
        async with self.bot.lines.to(connection) as line:
            if self.run.may_be_started:
                line.server.trust()
            now = await self._look(line)
            if now.exists and now.process is not Process.UNKNOWN:
                await self._follow(connection, line, ordering.resumed(), is_there=True)
            elif self.run.is_started or (self.run.is_sent and not now.exists):
                # It may have been there, and its server has forgotten it: started again, it would be done twice.
                await self._end_without_run(judge(Observation(process=Process.GONE)))
            else:
                async with ordering.assembled(self._github) as order:
                    await self._follow(connection, line, order)

    async def _connection(self, order: Order) -> AgentConnection | None:
        """The run's server; None if somebody has stopped the run while its sandbox was waited for."""
        if self.bot.account is not None:
            self.live.enter(Phase.SANDBOX)
        obtaining = asyncio.create_task(
            connections.connection_of(self.bot, self.run, keeps=order.keeps_sandbox)
        )
        stopping = asyncio.create_task(self.live.stop.asked())
        try:
            await asyncio.wait([obtaining, stopping], return_when=asyncio.FIRST_COMPLETED)
            return obtaining.result() if obtaining.done() else None
        finally:
            stopping.cancel()
            obtaining.cancel()
            await asyncio.gather(obtaining, stopping, return_exceptions=True)

    async def _follow(
        self, connection: AgentConnection, line: Line, order: Order, *, is_there: bool = False
    ) -> None:
        started_at = self.run.started_at or self.bot.clock.now()
        is_known = self.run.is_ordered
        if order.keeps_sandbox and not is_known:
            await sandboxes.keep(self.bot, self.run.id, connection.sandbox_id or "")
        await self._row.save(
            secrets=None if is_known else connections.sealed(self.bot, self.run, connection),
            is_ordered=True,
            # On a later try it tells since when there is no room for what is to be sent.
            tried_since=self.run.tried_since if is_known else 0.0,
            state=State.RUNNING,
            started_at=started_at,
            timeout=order.timeout,
            outputs=order.outputs,
        )
        if self.run.stop_by:
            self.live.stop.ask(self.run.stop_by, Cause(self.run.stop_cause))
        conductor = Conductor(
            connection,
            order,
            secrets=[*self.bot.settings.secrets, *callback_tokens(self.bot, self.run.id)],
            patience=self.bot.settings.core.patience,
            progress=self.live,
            stop=self.live.stop,
            may_start=partial(self._row.save, is_sent=True),
            on_verdict=self._take,
            attention=self.live.attention,
            line=line,
            is_durable=True,
            may_be_started=is_there or self.run.may_be_started,
        )
        await conductor.conduct()
        if conductor.is_released:
            self.live.become(replace(self.run, is_gone=True))

    async def _look(self, line: Line) -> Look:
        """What the server knows of this run."""
        patience = Patience(self.bot.settings.core.patience)
        return await patience.bear(lambda: look_settled(line.server, self.run.id, None))

    async def _take(self, outcome: Outcome) -> bool:
        """The verdict is known: once it is written down, nobody needs the server's record any more."""
        verdict = outcome.verdict
        if verdict.reason is Reason.CANCELLED and self.run.stop_cause == Cause.SUPERSEDED:
            # Ended before it could note by itself why.
            verdict = replace(verdict, reason=Reason.SUPERSEDED)
        verdict = worsened(verdict, await self.bot.store.facts.get(f"completion {self.run.id}"))
        await self._over(replace(outcome, verdict=verdict))
        return not outcome.is_lost

    async def _end_unstarted(self, error: AutomationError) -> None:
        """It could not be started; whoever has had it stopped meanwhile has been obeyed."""
        is_stopped = self.run.stop_by and not self.run.may_be_started
        await self._end_without_run(_stopped_before(self.run) if is_stopped else not_started(error))

    async def _end_without_run(self, verdict: Verdict) -> None:
        seconds = self.bot.clock.now() - self.run.accepted_at
        await self._over(Outcome(str(self.run.id), verdict, Excerpt(), seconds=seconds))

    async def _over(self, outcome: Outcome) -> None:
        end = end_of(self.run.name, outcome, self.bot.redactor, self.bot.page_url(self.run))
        ended_at = self.bot.clock.now()
        await self._row.save(output=self.live.excerpt, end=end, state=State.CONCLUDING, ended_at=ended_at)
        self.on_over()

    async def _tell(self, end: End) -> None:
        """Tell GitHub, and forget what nobody needs any more."""
        giving_back = asyncio.create_task(sandboxes.give_back_all(self.bot, self.run))
        try:
            await self._telling.finish(end)
        finally:
            [is_given_back] = await asyncio.gather(giving_back, return_exceptions=True)
        # What is left is what the orphans are found by.
        needs_nothing = self.run.is_gone or not self.run.is_ordered
        if is_given_back is True and (needs_nothing or await sandboxes.was_in_one(self.bot, self.run)):
            await connections.forget(self.bot, self.run)
        await self._row.save(state=State.ENDED)
        self.bot.metrics.ended(self.run)
        self.bot.tracing.ended(self.run)
        log.info("run %s ended: %s (%s)", self.run.id, end.conclusion, end.reason)


def _stopped_before(run: Run) -> Verdict:
    reason = Reason.SUPERSEDED if run.stop_cause == Cause.SUPERSEDED else Reason.CANCELLED
    return Verdict(Conclusion.CANCELLED, reason, f"stopped by {run.stop_by} before it started")
