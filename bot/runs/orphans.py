"""Runs that are over for people and may still go on on their servers: ended and removed once the server answers.

A run whose server did not confirm its stop, or was lost, keeps its remembered connection (`bot.runs.connections`)
beyond its end; that is how it is found here. So does one whose sandbox could not be deleted, or may still come; of those
that nobody remembers, the ones that carry this bot's mark are looked for, too, and so are runs (`bot.runs.strays`).
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass
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

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Orphans:
    """Looks after them."""

    bot: Bot

    async def sweep_for_ever(self) -> None:
        """Every so often, until cancelled."""
        reaped_at = -math.inf
        strays = Strays(self.bot)
        while True:
            await self._sweep()
            if time.monotonic() - reaped_at > REAP_EVERY:
                reaped_at = time.monotonic()
                try:
                    await reap(self.bot)
                    await strays.end()
                except AutomationError as error:
                    log.warning("what nobody remembers waits: %s", self.bot.redactor.text(error.sentence))
            await asyncio.sleep(EVERY)

    async def _sweep(self) -> None:
        try:
            left = await self.bot.store.secrets.of_ended()
        except AutomationError as error:
            log.warning("orphans wait: %s", error.sentence)
            return
        for run_id in left:
            with about(run=str(run_id)):
                try:
                    await self._look_after(run_id)
                except AutomationError as error:
                    log.warning("run %s waits: %s", run_id, self.bot.redactor.text(error.sentence))

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
            if await give_back_all(self.bot, run, partial(note_deleted, self.bot, run.id)):
                await connections.forget(self.bot, run)
            return
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
