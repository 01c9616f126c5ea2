"""Runs that are over for people and may still go on on their servers: ended and removed once the server answers.

A run whose server did not confirm its stop, or was lost, keeps its remembered connection (`bot.runs.connections`)
beyond its end; that is how it is found here. So does one whose sandbox could not be deleted, or may still come; of those
that nobody remembers, the ones that carry this bot's mark are looked for, too, and so are runs (`bot.runs.strays`).
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from automation.agent_server import AgentServer
from automation.errors import AutomationError
from automation.observation import Cause, Process
from automation.run.stop import release, stop
from bot.bot import Bot
from bot.log_context import about, about_run
from bot.runs import connections
from bot.runs.run import Run
from bot.runs.sandboxes import SandboxMemo, give_back_all, note_deleted, reap
from bot.runs.strays import Strays

EVERY = 20.0
"""Seconds between two sweeps."""
REAP_EVERY = 600.0
"""Seconds between two looks for sandboxes and runs that only their marks tell of."""
WITHIN = 60.0
"""Seconds to end one orphan: what is left then waits for the next sweep."""
AWAITED = 20.0
"""Seconds that a sweep waits for those that it has begun with; what takes longer goes on beside the next one."""
AT_ONCE = 8
"""Most that are looked after at one time: on servers, and as many in a Cloud."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Orphans:
    """Looks after them."""

    bot: Bot
    _on_servers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _in_clouds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def sweep_for_ever(self) -> None:
        """Every so often, until cancelled. One that takes long keeps neither the others nor the next sweep waiting."""
        reaped_at = -math.inf
        strays = Strays(self.bot)
        at_work: dict[UUID, asyncio.Task[None]] = {}
        try:
            while True:
                await self._sweep(at_work)
                if time.monotonic() - reaped_at > REAP_EVERY:
                    reaped_at = time.monotonic()
                    await self._reap(strays)
                await asyncio.sleep(EVERY)
        finally:
            for task in at_work.values():
                task.cancel()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    async def _reap(self, strays: Strays) -> None:
        try:
            await reap(self.bot)
            await strays.end()
        except AutomationError as error:
            log.warning("what nobody remembers waits: %s", self.bot.redactor.text(error.sentence))

    async def _sweep(self, at_work: dict[UUID, asyncio.Task[None]]) -> None:
        """Begin with all that nobody is at work on, and wait a little for them."""
        try:
            left = await self.bot.store.secrets.of_ended()
        except AutomationError as error:
            log.warning("orphans wait: %s", error.sentence)
            return
        begun = {
            run_id: asyncio.create_task(self._try_to_look_after(run_id))
            for run_id in left
            if run_id not in at_work
        }
        at_work.update(begun)
        if begun:
            await asyncio.wait(begun.values(), timeout=AWAITED)
        for run_id in [run_id for run_id, task in at_work.items() if task.done()]:
            del at_work[run_id]

    async def _try_to_look_after(self, run_id: UUID) -> None:
        with about(run=str(run_id)):
            try:
                await self._look_after(run_id)
            except AutomationError as error:
                log.warning("run %s waits: %s", run_id, self.bot.redactor.text(error.sentence))
            except Exception as error:  # noqa: BLE001  # the outermost: one run must not stop the others
                what = self.bot.redactor.text(f"{type(error).__name__}: {error}")
                self.bot.metrics.defects.labels("orphans").inc()
                log.error("run %s: a defect of automation-bot: %s", run_id, what)  # noqa: TRY400  # redacted

    async def _look_after(self, run_id: UUID) -> None:
        try:
            run = await self.bot.store.runs.get(run_id)
        except ValueError:
            log.warning(
                "run %s cannot be read: what it has left is left to a newer version of the bot", run_id
            )
            return
        if run is not None:
            with about_run(run):
                await self._settle(run)

    async def _settle(self, run: Run) -> None:
        if (await SandboxMemo.of(self.bot, run)).is_used:
            async with self._in_clouds:
                if await give_back_all(self.bot, run, partial(note_deleted, self.bot, run.id)):
                    await connections.forget(self.bot, run)
            return
        async with self._on_servers:
            await self._end(run)

    async def _end(self, run: Run) -> None:
        try:
            connection = await connections.connection_of(self.bot, run)
            async with asyncio.timeout(WITHIN), AgentServer(connection) as server:
                left = await stop(server, run.id, None, Cause.ABANDONED)
                if left.process is Process.ALIVE:
                    return
                await release(server, run.id, None)
        except (AutomationError, TimeoutError) as error:
            log.info("run %s may still be on its server (%s)", run.id, self.bot.redactor.text(str(error)))
            return
        await connections.forget(self.bot, run)
        self.bot.deeds.note("orphan-ended", f"run {run.id} is ended and removed from its server")
