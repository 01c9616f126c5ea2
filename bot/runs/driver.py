"""Who drives the runs of one process: a task for each that has something to do, and a sweep for what was missed.

A run is driven by one task at a time, of one of the replicas: the sweep looks at what nobody drives, decides what can
go on (`bot.runs.schedule`) and takes it. What a task could not do now (GitHub away, the database locked) is tried
again after a pause that grows. When the process is asked to stop, runs are left going on their servers: another
replica, or whoever starts next, takes them over.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from automation.errors import AutomationError
from automation.github.pace import pause_before_update
from automation.observation import Cause
from bot.bell import Word
from bot.bot import Bot
from bot.log_context import about_run
from bot.runs.afar import Afar
from bot.runs.delays import Delays
from bot.runs.drive import Drive
from bot.runs.failures import Failures, undisturbed
from bot.runs.live import LiveRun
from bot.runs.run import Pending, Run, State
from bot.runs.schedule import Move, Room, Step, moves
from bot.tending import tending

SWEEP_EVERY = 5.0
"""Seconds between two sweeps, unless somebody pokes."""
SWEEP_SHARED_EVERY = 2.0
"""The same where another replica may have died, whose runs are to be taken over soon."""
SWEPT_WITHIN = 30.0
"""Seconds without a sweep after which the driver is not ready."""
LEFT_WITHIN = 3.0
"""Seconds at the end for the tasks to leave their runs."""
PLACES = "places"
"""The lock that a replica holds while it decides which queued runs start."""
UNWATCHED_READS = 8.0
"""How often a second output is read that nobody watches, that of all runs together."""

log = logging.getLogger(__name__)


@dataclass
class _Driven:
    live: LiveRun
    task: "asyncio.Task[None]"


@dataclass
class Driver:
    """Drives all runs of a bot."""

    bot: Bot
    room: Room = field(init=False)
    _afar: Afar = field(init=False)
    _driven: dict[UUID, _Driven] = field(default_factory=dict)
    _delays: Delays = field(default_factory=Delays)
    _failures: Failures = field(init=False)
    _poked: asyncio.Event = field(default_factory=asyncio.Event)
    _pokes: set[UUID] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _swept: float = -math.inf

    def __post_init__(self) -> None:
        self._afar = Afar(self.bot.store)
        self._failures = Failures(self.bot, self._delays)
        caps = self.bot.settings.caps
        self.room = Room(caps.runs, caps.at_once_per_repository, caps.at_once_per_server)

    @asynccontextmanager
    async def driving(self) -> AsyncIterator[None]:
        """Drive runs for as long as the context lasts; then leave them to whoever comes next."""
        try:
            async with tending("sweep", self._sweep_for_ever, self.bot.metrics):
                yield
        finally:
            tasks = [each.task for each in self._driven.values()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=LEFT_WITHIN)

    def poke(self, run_id: UUID) -> None:
        """There is something to do for this run, now."""
        self.look_at(run_id)
        self.bot.bell.ring(Word.POKE, run_id)

    def look_at(self, run_id: UUID | None = None) -> None:
        """The same, said by another replica; without a run, all of them."""
        if run_id is not None:
            self._pokes.add(run_id)
            self._delays.end(run_id)
        self._poked.set()

    def live(self, run_id: UUID) -> LiveRun | None:
        """The run, if it is driven here now."""
        driven = self._driven.get(run_id)
        return driven.live if driven else None

    def wake(self, run_id: UUID) -> None:
        """Look at this run now: it has said something."""
        if not self.draw(run_id):
            self.look_at(run_id)
            self.bot.bell.ring(Word.WAKE, run_id)

    def draw(self, run_id: UUID) -> bool:
        """Have a look at it if it is driven here; whether it is."""
        if driven := self._driven.get(run_id):
            driven.live.attention.drawn.set()
        return driven is not None

    def watch(self, run_id: UUID) -> None:
        """Somebody looks here at a run that another replica drives."""
        self.bot.bell.ring(Word.WATCH, run_id)

    def show_afar(self, run_id: UUID) -> None:
        """Somebody looks at another replica at a run, which may be driven here."""
        if live := self.live(run_id):
            self._afar.watch(live)

    @property
    def is_sweeping(self) -> bool:
        """Whether all runs have been looked at lately."""
        return time.monotonic() - self._swept < SWEPT_WITHIN

    async def news(self, seconds: float) -> None:
        """Wait until a run is begun or ended, so long at the most."""
        news = self._news
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await news.wait()

    async def stop(self, run: Run, by: str, cause: Cause = Cause.CANCELLED) -> bool:
        """Have a run stopped, whatever state it is in; False if its end is known already."""
        if not await self.bot.store.runs.ask_stop(run.id, by, cause.value):
            return False
        self.heed_stop(run.id, by, cause)
        return True

    def heed_stop(self, run_id: UUID, by: str, cause: Cause) -> None:
        """Do as the row says by now: the run is to be stopped."""
        self._stop_here(run_id, by, cause)
        self.poke(run_id)

    def _stop_here(self, run_id: UUID, by: str, cause: Cause) -> None:
        driven = self._driven.get(run_id)
        if driven is not None and not driven.live.run.stop_by:
            driven.live.become(replace(driven.live.run, stop_by=by, stop_cause=cause.value))
            driven.live.stop.ask(by, cause)

    async def _sweep_for_ever(self) -> None:
        every = SWEEP_SHARED_EVERY if self.bot.replicas.is_shared else SWEEP_EVERY
        while True:
            try:
                await self._sweep()
                self._swept = time.monotonic()
            except AutomationError as error:
                log.warning("the sweep waits: %s", error.sentence)
            try:
                async with asyncio.timeout(every):
                    await self._poked.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        """Begin to drive what nobody drives."""
        self._poked.clear()
        pokes, self._pokes = self._pokes, set()
        pending, others = await self._look()
        self.bot.metrics.states(Counter(run.state for run in pending))
        for run in pending:
            if run.id in self._driven and run.stop_by:
                # Another replica was asked.
                self._stop_here(run.id, run.stop_by, Cause(run.stop_cause))
        if self.bot.replicas.is_shared:
            self._give_up({run.id for run in pending if run.driver == self.bot.replicas.id})
        # A task may be about to end without having seen why it was poked.
        self._pokes |= pokes & self._driven.keys()
        found = list(self._moves(pending, others))
        for move in found:
            if move.step is not Step.GO:
                await self._begin(move, others)
        if any(move.step is Step.GO for move in found):
            await self._go()

    def _give_up(self, mine: Collection[UUID]) -> None:
        """Drive no more what others have taken over, as from a replica that was held up for a while."""
        for run_id in self._driven.keys() - mine:
            log.info("run %s: taken over", run_id)
            self._driven[run_id].task.cancel()

    async def _look(self) -> tuple[list[Pending], frozenset[str]]:
        return await self.bot.store.runs.unfinished(), await self.bot.replicas.others()

    def _moves(self, pending: Sequence[Pending], others: Collection[str]) -> Iterator[Move]:
        later = self._delays.put_off_now
        return moves(pending, self.room, mine=self._driven, others=others, later=later)

    async def _go(self) -> None:
        """Let go what has its turn and a place: of all replicas one at a time decides that."""
        async with self.bot.store.database.writing(PLACES):
            pending, others = await self._look()
            going = [move for move in self._moves(pending, others) if move.step is Step.GO]
            taken = [await self._take(move, others) for move in going]
        for run in taken:
            self._start(run)

    async def _begin(self, move: Move, others: Collection[str]) -> None:
        self._start(await self._take(move, others), move.ahead)

    async def _take(self, move: Move, others: Collection[str]) -> Run | None:
        goes, me = move.step is Step.GO, self.bot.replicas.id
        try:
            return await self.bot.store.runs.take(move.run, me, others=others, goes=goes)
        except ValueError:
            # Written by a newer version of the bot, which is to drive it.
            log.warning("run %s cannot be read", move.run)
            self._delays.put_off(move.run)
            return None

    def _start(self, run: Run | None, ahead: int = 0) -> None:
        """Drive what has been taken."""
        if run is None:
            return
        live = LiveRun(replace(run, ahead=ahead), self._unwatched_pause, self.bot.clock.now)
        with about_run(run):
            task = asyncio.create_task(self._drive(live), name=f"run {run.id}")
        self._driven[run.id] = _Driven(live, task)
        task.add_done_callback(lambda _: self._end(live))
        self._tell()

    def _unwatched_pause(self, elapsed: float) -> float:
        """As often as the check run is edited; of many runs less often, for their edits wait for each other, too."""
        return max(pause_before_update(elapsed), len(self._driven) / UNWATCHED_READS)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _look_on(self) -> None:
        """Somebody may have waited for what has just ended: for its turn, or for a place."""
        self._poked.set()
        self.bot.bell.ring(Word.POKE)

    def _end(self, live: LiveRun) -> None:
        run = live.run
        live.close()
        self._driven.pop(run.id, None)
        self._tell()
        if run.state is State.ENDED:
            self._delays.forget(run.id)
        if run.is_over or run.id in self._pokes:
            self._look_on()

    async def _drive(self, live: LiveRun) -> None:
        try:
            await Drive(self.bot, live, self._look_on).advance()
            self._delays.forget(live.run.id)
        except AutomationError as error:
            await self._failures.expected(live.run, error)
        except Exception as error:  # noqa: BLE001  # the outermost: a defect must not leave the check pending
            await self._failures.defect(live.run, error)
        if self.bot.replicas.is_shared and live.run.state is not State.ENDED:
            # Another one may have room for it, or the way to GitHub.
            await undisturbed(self.bot.store.runs.leave(live.run))
