"""Whether the servers on which runs take place answer: asked once a minute, so that it is known before a run is.

Nothing hangs on it but what is said: a run finds out for itself, and waits as long as it may.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from automation.agent_server import AgentServer
from automation.cloud import Cloud, CloudAccount
from automation.connection import AgentConnection
from automation.errors import AutomationError, ServerUnavailable
from bot.bot import Bot
from bot.contact import Contact

EVERY: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Servers:
    """Those of one bot."""

    bot: Bot

    async def ask_for_ever(self) -> None:
        """Every so often, until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(EVERY)

    async def ask(self) -> None:
        """Each once."""
        contacts, account = self.bot.contacts, self.bot.account
        if account is not None:
            await self._ask("Cloud", contacts.server, lambda: _cloud(account))
            return
        await self._ask(
            "agent-server", contacts.server, lambda: _server(self.bot.agent_server(is_fork=False))
        )
        if self.bot.settings.core.fork_agent_server_url:
            fork_server = self.bot.agent_server(is_fork=True)
            await self._ask("agent-server for forks", contacts.fork_server, lambda: _server(fork_server))

    async def _ask(self, name: str, contact: Contact, asking: Callable[[], Awaitable[None]]) -> None:
        """Remember what it answers; only news are logged."""
        before = contact.error
        try:
            await asking()
        except AutomationError as error:
            contact.failed(error)
            if before is None:
                log.warning("the %s does not answer: %s", name, self.bot.redactor.text(error.sentence))
        else:
            contact.answered()
            if before is not None:
                log.info("the %s answers again", name)


async def _server(connection: AgentConnection) -> None:
    async with AgentServer(connection) as server:
        if not await server.is_ready():
            raise ServerUnavailable("it is not ready, or something else answers in its place")


async def _cloud(account: CloudAccount) -> None:
    async with Cloud(account) as cloud:
        await cloud.specs()
