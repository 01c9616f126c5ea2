"""Conduct one run from its connection to its release: the whole protocol in order, for every backend and face.

    connect -> prepare -> upload -> start -> run -> collect -> verdict -> release

Whatever happens in between, the caller gets one outcome with one verdict, everything redacted. A stop that
is asked for ends the run on the server, too; a run whose end was natural all the same keeps its true verdict.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from automation.agent_server import AgentServer, BashEvents, Line
from automation.connection import AgentConnection
from automation.defaults import PATIENCE
from automation.errors import AutomationError, Misconfigured, ServerUnavailable
from automation.observation import Cause, Observation, Process
from automation.outcome import Outcome, outcome_of
from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.redaction.secret_forms import MIN_LENGTH
from automation.run.attention import Attention
from automation.run.commands import Look
from automation.run.follow import Follower
from automation.run.observe import observe
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.progress import Phase, Progress, Silent
from automation.run.start import BACKSTOP, Order, Started, nobody_else, start
from automation.run.stop import release, stop

# GitHub kills a cancelled step 10 s after it asked: a stop has to be known to have worked before.
STOP_WITHIN = 7.0
MARGIN = 30.0
"""Seconds beyond the time that a run can have, for a server that is slow to say so."""


class Stop:
    """Asks for a run to be stopped, from a signal handler or another task.

    Attributes:
        by: who asked, for the reader; the first one counts.
    """

    def __init__(self) -> None:
        self.by = ""
        self.cause = Cause.CANCELLED
        self._asked = asyncio.Event()

    def ask(self, by: str, cause: Cause = Cause.CANCELLED) -> None:
        if not self._asked.is_set():
            self.by, self.cause = by, cause
            self._asked.set()

    async def asked(self) -> None:
        await self._asked.wait()


@dataclass
class Conductor:
    """Conducts one run.

    Attributes:
        secrets: values that appear in nothing that comes out of here.
        patience: seconds that an unreachable server is borne.
        keep: leave the run's directory on the server.
        attention: how often the output is read.
        line: to the server, where others use it, too; None for one of its own.
        is_durable: somebody comes back for this run. Cancelled, it is left going, and one that was started before
            is ours: it is followed and removed like any other.
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
    progress: Progress = field(default_factory=Silent)
    stop: Stop = field(default_factory=Stop)
    may_start: Callable[[], Awaitable[None]] = nobody_else
    on_verdict: Callable[[Outcome], Awaitable[bool]] | None = None
    is_released: bool = field(default=False, init=False)
    _started: Started | None = None

    async def conduct(self) -> Outcome:
        """The run's outcome.

        Raises:
            Misconfigured: it could not be started, for a reason that the user can mend.
            ServerUnavailable: the server did not do its part before the run was started.
        """
        began = time.monotonic()
        redactor = Redactor([*self.secrets, *self.connection.keys.values()])
        listener = _Listener(self.progress, redactor)
        if short := sum(0 < len(secret.strip()) < MIN_LENGTH for secret in self.secrets):
            listener.note(f"not masked, because shorter than {MIN_LENGTH} characters: {short} of the secrets")
        try:
            outcome = await self._conduct(
                listener, partial(self._outcome, listener=listener, redactor=redactor, began=began)
            )
        except AutomationError as error:
            raise type(error)(redactor.text(error.sentence), reason=error.reason) from None
        return replace(outcome, notes=tuple(listener.notes))

    def _outcome(
        self,
        seen: Observation,
        started: Started | None,
        *,
        listener: "_Listener",
        redactor: Redactor,
        began: float,
    ) -> Outcome:
        listener.close()
        status = seen.status
        if status is not None and status.escaped:
            names = ", ".join(f"{process.name or '?'} (pid {process.pid})" for process in status.escaped)
            listener.note(f"left its process group and still runs on the server: {names}")
        outcome = outcome_of(
            self.order.run_id,
            seen,
            listener.excerpt,
            redactor,
            outputs=self.order.outputs,
            timeout=self.order.timeout,
            seconds=time.monotonic() - began,
        )
        return replace(
            outcome,
            directory=started.place.directory if started else "",
            command_id=started.command_id if started else None,
            notes=tuple(listener.notes),
        )

    async def _conduct(
        self, listener: "_Listener", outcome_of: Callable[[Observation, Started | None], Outcome]
    ) -> Outcome:
        async with self._line() as line:
            server, events = line.server, line.events
            listener.enter(Phase.CONNECT, self.connection.url)
            work = asyncio.create_task(self._start_and_follow(server, events, listener))
            stopping = asyncio.create_task(self.stop.asked())
            try:
                await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
                ended: tuple[Observation, Started | None]
                if work.done():
                    ended = work.result()
                else:
                    ended = await self._stop(server, work, listener)
            except BaseException as error:
                # Cancelled, or something that nobody foresaw: the run must not go on unattended.
                work.cancel()
                is_left = self.is_durable and isinstance(error, asyncio.CancelledError)
                is_begun = Phase.UPLOAD in listener.entered
                if is_begun and not (is_left or self._is_others or self.stop.by):
                    await asyncio.shield(self._stop_quietly(server))
                raise
            finally:
                stopping.cancel()
                work.cancel()
                await asyncio.gather(work, stopping, return_exceptions=True)
            outcome = outcome_of(*ended)
            is_safe = await self.on_verdict(outcome) if self.on_verdict else True
            if is_safe and not (self.keep or ended[0].lost or self._is_others):
                await self._release(server, listener)
            return outcome

    @property
    def _is_others(self) -> bool:
        """Somebody else started this run: it is theirs to remove."""
        return not self.is_durable and self._started is not None and self._started.adopted

    @property
    def _stop_within(self) -> float:
        return self.patience + STOP_WITHIN if self.is_durable else STOP_WITHIN

    def _line(self) -> AbstractAsyncContextManager[Line]:
        return nullcontext(self.line) if self.line else Line.open(self.connection)

    async def _start_and_follow(
        self, server: AgentServer, events: BashEvents, listener: "_Listener"
    ) -> tuple[Observation, Started]:
        info = await Patience(min(self.patience, FIRST_CONTACT)).bear(server.info)
        patience = Patience(self.patience)
        if not isinstance(info.get("version"), str):
            raise Misconfigured(
                f"{self.connection.url} answers, but not as an agent-server; check AUTOMATION_AGENT_SERVER_URL"
            )
        sdk_version = str(info.get("sdk_version", ""))
        self._started = started = await start(
            server, events, self.order, sdk_version, patience, listener, self.may_start
        )
        server.is_known = True
        if started.adopted:
            listener.note("this run was started before: following that one, nothing is started twice")
        within = self.order.timeout + self.order.grace + BACKSTOP + self.patience + MARGIN
        follower = Follower(server, events, started, patience, listener, within, self.attention)
        seen = await follower.follow()
        return seen, follower.run

    async def _stop(
        self, server: AgentServer, work: "asyncio.Task[tuple[Observation, Started]]", listener: "_Listener"
    ) -> tuple[Observation, Started | None]:
        """End the run on the server, then take its true end."""
        listener.enter(Phase.STOP, self.stop.by)
        try:
            async with asyncio.timeout(self._stop_within):
                seen = await self._confirmed_end(server, work)
        except TimeoutError:
            seen = Observation(lost=f"no answer in {self._stop_within:g} s")
        except AutomationError as error:
            seen = Observation(lost=error.sentence)
        return replace(seen, stopped_by=self.stop.by), self._started

    async def _confirmed_end(
        self, server: AgentServer, work: "asyncio.Task[tuple[Observation, Started]]"
    ) -> Observation:
        if self._started is None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        look = await self._ask_server_to_stop(server)
        if look.process is Process.ALIVE and self._started and self._started.command_id:
            await server.stop_command(self._started.command_id)
        if self._started is not None:
            seen, self._started = await work
            return seen
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

    async def _stop_quietly(self, server: AgentServer) -> None:
        """The caller is being cancelled: the run must not outlive it."""
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await stop(server, self.order.key, self.order.base, Cause.CANCELLED)
                if not self.keep:
                    await release(server, self.order.key, self.order.base)
        except (TimeoutError, AutomationError):
            pass

    async def _release(self, server: AgentServer, listener: "_Listener") -> None:
        listener.enter(Phase.RELEASE)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await release(server, self.order.key, self.order.base)
            self.is_released = True
        except (TimeoutError, ServerUnavailable) as error:
            why = (
                error.sentence if isinstance(error, ServerUnavailable) else f"no answer in {STOP_WITHIN:g} s"
            )
            listener.note(f"the run's directory could not be removed from the server ({why})")


class _Listener:
    """Between a run and whoever shows it: redacts, and keeps an excerpt of the output."""

    def __init__(self, progress: Progress, redactor: Redactor) -> None:
        self.excerpt = Excerpt()
        self.notes: list[str] = []
        self.entered: set[Phase] = set()
        self._progress = progress
        self._redactor = redactor
        self._stream = redactor.stream()

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.entered.add(phase)
        self._progress.enter(phase, self._redactor.text(detail))

    def output(self, data: bytes) -> None:
        self._show(self._stream.feed(data))

    def note(self, sentence: str) -> None:
        sentence = self._redactor.text(sentence)
        self.notes.append(sentence)
        self._progress.note(sentence)

    def close(self) -> None:
        self._show(self._stream.close())

    def _show(self, data: bytes) -> None:
        if data:
            self.excerpt.feed(data)
            self._progress.output(data)
