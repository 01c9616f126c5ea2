"""Runs on our agent-servers that carry this bot's mark and that no row knows: ended and removed.

They are what is left where the database was replaced by an older copy, or where a run was forgotten before its
server came back. A row is written before anything of its run is sent, so what is not known now was not sent by us
lately. What carries another mark, or none, is left alone, and told of where it has lain there for more than a day.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from automation.agent_server import AgentServer
from automation.connection import AgentConnection
from automation.errors import AutomationError
from automation.external_id import Face
from automation.observation import Cause, Process
from automation.run.marks import Marked, find_marked
from automation.run.stop import release, stop
from bot.bot import Bot
from bot.runs.owner import Owner

MOST: Final = 200
"""Runs of ours that are looked up on a server at one time, and directories that are counted."""
WITHIN: Final = 120.0
"""Seconds for one server: what is left then waits for the next time."""

log = logging.getLogger(__name__)


def strays(found: Marked, instance: str, github_url: str) -> list[UUID]:
    """Runs that are this bot's by their mark, which has to be that of their own directory."""
    ours = []
    for run_id, mark in found.marks.items():
        owner = Owner.parse(mark)
        if owner is None or owner.github_url != github_url:
            continue
        if owner.is_of(instance) and owner.external_id.run == run_id:
            ours.append(run_id)
    return ours


@dataclass
class Strays:
    """Looks for them."""

    bot: Bot
    _told: dict[str, int] = field(default_factory=dict)

    async def end(self) -> None:
        """One look at each server; what cannot be done now is done the next time."""
        for connection in self._servers():
            try:
                async with asyncio.timeout(WITHIN), AgentServer(connection) as server:
                    await self._look(server)
            except (AutomationError, TimeoutError) as error:
                what = self.bot.redactor.text(str(error)) or f"not done in {WITHIN:g} s"
                log.info("strays at %s wait: %s", connection.url, what)

    def _servers(self) -> list[AgentConnection]:
        """Those of the settings; a sandbox has one run, and is found by its own mark."""
        found: list[AgentConnection] = []
        for is_fork in (False, True):
            try:
                found.append(self.bot.agent_server(is_fork=is_fork))
            except AutomationError:
                continue
        return found

    async def _look(self, server: AgentServer) -> None:
        instance = self.bot.instance
        found = await find_marked(server, f" {Face.BOT}:{instance}:", None, most=MOST)
        for run_id in strays(found, instance, self.bot.settings.github_url):
            if not await self.bot.store.runs.is_known(run_id):
                await self._end(server, run_id)
        self._tell(server.connection.url, len(found.old - {str(run_id) for run_id in found.marks}))

    async def _end(self, server: AgentServer, run_id: UUID) -> None:
        left = await stop(server, run_id, None, Cause.ABANDONED, forestall=False)
        if left.process is Process.ALIVE:
            return
        await release(server, run_id, None)
        self.bot.deeds.note(
            "stray-ended", f"run {run_id}, which nobody knows, is ended and removed from its server"
        )

    def _tell(self, url: str, others: int) -> None:
        if others > self._told.get(url, 0):
            sentence = (
                f"{others} directories of others have been at {url} for more than a day: they are left alone"
            )
            self.bot.deeds.note("strays-left", sentence)
        self._told[url] = others
