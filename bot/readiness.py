"""Looks at what may be wrong with a bot: its database, its disks, its sweep, and those that it talks to."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from automation.github.errors import GitHubRefuses
from bot.bot import Bot
from bot.disk import FULL, LEAST_FREE, MIB, free_on
from bot.inbox import Inbox
from bot.runs.driver import Driver
from bot.store.errors import DatabaseUnavailable
from bot.trouble import Cause, Trouble

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Readiness:
    """One bot's."""

    bot: Bot
    driver: Driver
    inbox: Inbox

    async def troubles(self) -> list[Trouble]:
        """All that is wrong now."""
        return [
            *[trouble async for trouble in self._of_its_own()],
            *self._of_disks(),
            *self._of_others(),
        ]

    async def _of_its_own(self) -> AsyncIterator[Trouble]:
        if not self.inbox.is_open:
            yield Trouble(Cause.SHUTTING_DOWN, "the bot is shutting down and takes no deliveries")
        try:
            await self.bot.store.facts.get("instance")
        except DatabaseUnavailable as error:
            # The driver's sentence has addresses and names in it.
            log.warning("not ready: %s", error.sentence)
            yield Trouble(Cause.DATABASE, "the database cannot be used now; the log says why")
        if not self.driver.is_sweeping:
            yield Trouble(Cause.SWEEP, "the bot has not looked after its runs lately; the log says why")

    def _of_disks(self) -> Iterator[Trouble]:
        if (path := self.bot.settings.database_path) is not None:
            free = _free(path.resolve().parent)
            if free < FULL:
                yield Trouble(Cause.DISK_FULL, f"{free // MIB} MiB are free for the database: make room")
            elif free < LEAST_FREE:
                yield Trouble(Cause.DISK_LOW, f"{free // MIB} MiB are free for the database: make room")
        if (free := _free(self.bot.workspace)) < LEAST_FREE:
            yield Trouble(Cause.DISK_LOW, f"{free // MIB} MiB are free for temporary files: make room")

    def _of_others(self) -> Iterator[Trouble]:
        contacts = self.bot.contacts
        if isinstance(contacts.github.error, GitHubRefuses):
            yield Trouble(
                Cause.GITHUB_REFUSES, "GitHub refuses the App: `automation-bot check` and the log say why"
            )
        elif contacts.github.error is not None:
            yield Trouble(Cause.GITHUB_UNREACHABLE, "GitHub does not answer; what is asked for waits")
        for contact, name in ((contacts.server, "runs"), (contacts.fork_server, "runs of forks")):
            if contact.error is not None:
                yield Trouble(
                    Cause.AGENT_SERVER_UNREACHABLE,
                    f"the server for {name} does not answer: `automation-bot check` and the log say why",
                )


def _free(directory: Path) -> float:
    """Bytes; where it cannot be told, nobody is to be alarmed."""
    with suppress(OSError):
        return free_on(directory)
    return float("inf")
