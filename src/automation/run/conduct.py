"""Conduct one run from its connection to its release: the whole protocol in order, for every backend and face.

    connect -> prepare -> upload -> start -> run -> collect -> verdict -> release

Whatever happens in between, the caller gets one outcome with one verdict, everything redacted. A stop that
is asked for ends the run on the server, too; a run whose end was natural all the same keeps its true verdict.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import assert_never

from automation.agent_server import AgentServer, BashEvents, Line
from automation.connection import AgentConnection
from automation.defaults import PATIENCE
from automation.errors import AutomationError, Misconfigured
from automation.finishing import to_its_end
from automation.observation import Cause, Observation, Process
from automation.outcome import Outcome, outcome_of
from automation.redaction import Redactor
from automation.redaction.secret_forms import MIN_LENGTH
from automation.run.attention import Attention
from automation.run.commands import Look
from automation.run.follow import Follower
from automation.run.listener import Listener
from automation.run.observe import observe
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.progress import Phase, Progress, Silent
from automation.run.start import BACKSTOP, Order, Started, always_allowed, start
from automation.run.stop import release, stop
from automation.run.stop_request import StopRequest

STOP_WITHIN = 7.0
"""Seconds: GitHub kills a cancelled step 7.5 s + 2.5 s after it asked; a stop has to be known to have worked before.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
"""
MARGIN = 30.0
"""Seconds beyond the time that a run can have, for a server that is slow to say so."""


@dataclass
class Conductor:
    """Conducts one run.

    Attributes:
        secrets: values that appear in nothing that comes out of here.
        patience: seconds that an unreachable server is borne.
        keep: leave the run's directory on the server.
        attention: how often the output is read.
        line: to the server, where others use it, too; None for one of its own.
        is_durable: somebody comes back for this run. Cancelled, or broken off by an error, it is left going: another
            driver may have it by now. One that was started before is ours: it is followed and removed like any other.
        may_be_started: of a durable one: somebody may have started it before. Otherwise it is ended without the server.
        may_start: asked right before the start is sent: whoever has lost the run to another one raises here.
        on_verdict: told the outcome as soon as it is known; answers whether it is safe elsewhere, so that the run
            may be removed from its server.
        is_released: it has been removed from its server.
    """

    connection: AgentConnection
    order: Order
    secrets: Collection[str] = ()
    patience: float = PATIENCE
    keep: bool = False
    attention: Attention = field(default_factory=Attention)
    line: Line | None = None
    is_durable: bool = False
    may_be_started: bool = True
    progress: Progress = field(default_factory=Silent)
    stop: StopRequest = field(default_factory=StopRequest)
    may_start: Callable[[], Awaitable[None]] = always_allowed
    on_verdict: Callable[[Outcome], Awaitable[bool]] | None = None
    is_released: bool = field(default=False, init=False)
    _started: Started | None = field(default=None, init=False)
    _follower: Follower | None = field(default=None, init=False)
    _redactor: Redactor = field(init=False)
    _listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        self._redactor = Redactor([*self.secrets, *self.connection.keys.values()])
        self._listener = Listener(self.progress, self._redactor)

    async def conduct(self) -> Outcome:
        """The run's outcome.

        Raises:
            Misconfigured: it could not be started, for a reason that the user can mend.
            ServerUnavailable: the server did not do its part before the run was started.
            NoRoom: there is none here for what is to be sent to the server.
        """
        began = time.monotonic()
        if short := sum(0 < len(secret.strip()) < MIN_LENGTH for secret in self.secrets):
            self._listener.note(
                f"not masked, because shorter than {MIN_LENGTH} characters: {short} of the secrets"
            )
        try:
            async with self._line() as line:
                seen = await self._run_to_its_end(line)
                outcome = self._outcome(seen, time.monotonic() - began)
                is_safe = await self.on_verdict(outcome) if self.on_verdict else True
                if is_safe and not (self.keep or seen.lost or self._is_others):
                    await self._release(line.server)
        except AutomationError as error:
            raise type(error)(self._redactor.text(error.sentence), reason=error.reason) from None
        return replace(outcome, notes=tuple(self._listener.notes))

    def _learn(self, connection: AgentConnection) -> None:
        """A sandbox that has been moved may have another key, and what runs in it may show that."""
        self._redactor.learn(set(connection.keys.values()) - set(self.connection.keys.values()))
        self.connection = connection

    def _outcome(self, seen: Observation, seconds: float) -> Outcome:
        self._listener.close()
        if seen.status is not None and seen.status.escaped:
            names = ", ".join(f"{process.name or '?'} (pid {process.pid})" for process in seen.status.escaped)
            self._listener.note(f"left its process group and still runs on the server: {names}")
        outcome = outcome_of(
            self.order.run_id,
            seen,
            self._listener.excerpt,
            self._redactor,
            outputs=self.order.outputs,
            timeout=self.order.timeout,
            seconds=seconds,
        )
        followed = self._follower.run if self._follower else self._started
        return replace(
            outcome,
            directory=followed.place.directory if followed else "",
            command_id=followed.command_id if followed else None,
            notes=tuple(self._listener.notes),
        )

    async def _run_to_its_end(self, line: Line) -> Observation:
        """The end that the run comes to by itself, or by being stopped."""
        self._listener.enter(Phase.CONNECT, self.connection.url)
        work = asyncio.create_task(self._start_and_follow(line.server, line.events))
        stopping = asyncio.create_task(self.stop.asked())
        try:
            await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else await self._stop(line.server, work)
        except BaseException:
            # Cancelled, or something that nobody foresaw: the run must not go on unattended.
            work.cancel()
            if self._is_begun and not (self.is_durable or self._is_others or self.stop.by):
                await to_its_end(self._stop_quietly(line.server, work))
            raise
        finally:
            stopping.cancel()
            work.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)

    @property
    def _is_begun(self) -> bool:
        """There may be something of ours on the server, which nobody else will come for."""
        return Phase.UPLOAD in self._listener.entered

    @property
    def _is_others(self) -> bool:
        """Somebody else started this run: it is theirs to remove."""
        return not self.is_durable and self._started is not None and self._started.adopted

    @property
    def _stop_within(self) -> float:
        return self.patience + STOP_WITHIN if self.is_durable else STOP_WITHIN

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        async with nullcontext(self.line) if self.line else Line.open(self.connection) as line:
            self._learn(line.server.connection)
            with line.server.telling(self._learn):
                yield line

    async def _start_and_follow(self, server: AgentServer, events: BashEvents) -> Observation:
        # Whoever comes back for it has nobody waiting, and no address that somebody has just typed.
        first = self.patience if self.is_durable else min(self.patience, FIRST_CONTACT)
        info = await Patience(first).bear(server.info)
        patience = Patience(self.patience)
        if not isinstance(info.get("version"), str):
            raise Misconfigured(
                f"{self.connection.url} answers, but not as an agent-server; check AUTOMATION_AGENT_SERVER_URL"
            )
        sdk_version = str(info.get("sdk_version", ""))
        self._started = started = await start(
            server, events, self.order, sdk_version, patience, self._listener, self.may_start
        )
        if started.adopted:
            self._listener.note("this run was started before: following that one, nothing is started twice")
        within = self.order.timeout + self.order.grace + BACKSTOP + self.patience + MARGIN
        self._follower = Follower(server, events, started, patience, self._listener, within, self.attention)
        return await self._follower.follow()

    async def _stop(self, server: AgentServer, work: "asyncio.Task[Observation]") -> Observation:
        """End the run on the server, then take its true end."""
        self._listener.enter(Phase.STOP, self.stop.by)
        try:
            async with asyncio.timeout(self._stop_within):
                seen = await self._confirmed_end(server, work)
        except TimeoutError:
            seen = Observation(lost=f"no answer in {self._stop_within:g} s")
        except AutomationError as error:
            seen = Observation(lost=error.sentence)
        return replace(seen, stopped_by=self.stop.by)

    async def _confirmed_end(self, server: AgentServer, work: "asyncio.Task[Observation]") -> Observation:
        if self._started is None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if self.is_durable and not (self.may_be_started or Phase.START in self._listener.entered):
                return Observation(process=Process.NEVER_STARTED)
        look = await self._ask_server_to_stop(server)
        if look.process is Process.ALIVE and self._started and self._started.command_id:
            await server.stop_command(self._started.command_id)
        if self._follower is not None:
            self._follower.expect_end()
            return await work
        match look.process:
            case Process.NEVER_STARTED:
                return Observation(process=Process.NEVER_STARTED)
            case Process.GONE:
                return await observe(server, look)
            case Process.ALIVE | Process.UNKNOWN:
                return Observation(lost="its processes did not end")
            case _:
                assert_never(look.process)

    async def _ask_server_to_stop(self, server: AgentServer) -> Look:
        def ask() -> Awaitable[Look]:
            return stop(server, self.order.key, self.order.base, self.stop.cause)

        # Nobody waits at the other end of a durable one: a server that is being restarted is borne.
        return await (Patience(self.patience).bear(ask) if self.is_durable else ask())

    async def _stop_quietly(self, server: AgentServer, work: "asyncio.Task[Observation]") -> None:
        """The caller is being cancelled: the run must not outlive it."""
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.wait([work])
                await stop(server, self.order.key, self.order.base, Cause.CANCELLED)
                if not self.keep:
                    await release(server, self.order.key, self.order.base)
        except (TimeoutError, AutomationError):
            pass

    async def _release(self, server: AgentServer) -> None:
        self._listener.enter(Phase.RELEASE)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await release(server, self.order.key, self.order.base)
            self.is_released = True
        except (TimeoutError, AutomationError) as error:
            why = error.sentence if isinstance(error, AutomationError) else f"no answer in {STOP_WITHIN:g} s"
            self._listener.note(f"the run's directory could not be removed from the server ({why})")
