"""The sandboxes of runs in a Cloud: remembered with the run before they are asked for, deleted after its end.

What is remembered is sealed like the connection, and goes with it. A driver that finds a sandbox of a driver before it
follows the run in it, or deletes it where no run was begun in it. What nobody remembers any more is found by its mark.
"""

import json
import logging
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from automation.backends.cloud import CloudSandbox, give_back
from automation.backends.marked_sandboxes import marked_sandboxes
from automation.backends.sandbox_connection import renewable
from automation.cloud import Cloud
from automation.connection import AgentConnection
from automation.errors import AutomationError
from automation.external_id import ExternalId, Face
from bot.bot import Bot
from bot.runs.check import keys_of
from bot.runs.run import Run, State

NAME = "sandboxes"
KEPT = "kept-sandbox"

log = logging.getLogger(__name__)


@dataclass
class SandboxMemo:
    """`Ledger` of one run.

    Attributes:
        asked_at: Unix time by the API's clock of the last request for one; 0 for none.
    """

    bot: Bot
    run_id: UUID
    asked_at: float = 0
    sandboxes: tuple[str, ...] = ()

    @classmethod
    async def of(cls, bot: Bot, run_id: UUID) -> Self:
        """What is remembered of a run.

        Raises:
            Misconfigured: no key of BOT_SECRET_KEY opens what was sealed.
        """
        sealed = (await bot.store.secrets.of(run_id)).get(NAME)
        if sealed is None:
            return cls(bot, run_id)
        kept = json.loads(bot.vault.open(sealed, _about(run_id)))
        return cls(bot, run_id, kept["asked_at"], tuple(kept["sandboxes"]))

    @property
    def is_used(self) -> bool:
        """Whether there ever was one."""
        return bool(self.asked_at)

    async def asks(self, at: float) -> None:
        self.asked_at = at
        await self._write()

    async def has(self, sandbox_id: str) -> None:
        self.sandboxes = (*self.sandboxes, sandbox_id)
        await self._write()

    async def gave_back(self, sandbox_id: str) -> None:
        self.sandboxes = tuple(each for each in self.sandboxes if each != sandbox_id)
        await self._write()

    async def _write(self) -> None:
        text = json.dumps({"asked_at": self.asked_at, "sandboxes": self.sandboxes})
        await self.bot.store.secrets.keep(self.run_id, {NAME: self.bot.vault.seal(text, _about(self.run_id))})


async def obtain(bot: Bot, run: Run) -> AgentConnection:
    """A sandbox for this run, with everything that a driver before has left of others deleted.

    Raises:
        SandboxLimit, SandboxFailed, CloudRefuses: there is none to be had.
    """
    account = bot.account
    assert account is not None  # noqa: S101
    owner = f"{bot.settings.github_url}/{run.repository} {keys_of(run, bot.instance)}"

    def note(sentence: str) -> None:
        log.info("run %s: %s", run.id, bot.redactor.text(sentence))

    return await CloudSandbox(account, owner, ledger=await SandboxMemo.of(bot, run.id), note=note).obtain()


async def give_back_all(bot: Bot, run: Run) -> bool:
    """Delete the run's sandboxes; whether none is left that should be gone."""
    memo = await SandboxMemo.of(bot, run.id)
    if not memo.sandboxes or await is_kept(bot, run.id):
        return True
    account = bot.account
    if account is None:
        log.warning(
            "run %s: its sandboxes %s are of a Cloud that is not set any more", run.id, memo.sandboxes
        )
        return True
    try:
        async with Cloud(account) as cloud:
            for sandbox_id in memo.sandboxes:
                await give_back(cloud, sandbox_id)
                await memo.gave_back(sandbox_id)
    except AutomationError as error:
        log.warning("run %s: a sandbox is left for later (%s)", run.id, bot.redactor.text(error.sentence))
    return not memo.sandboxes


async def was_in_one(bot: Bot, run: Run) -> bool:
    """Whether the run was to be in a sandbox, with which everything of it is gone."""
    return (await SandboxMemo.of(bot, run.id)).is_used


async def keep(bot: Bot, run_id: UUID) -> None:
    """Leave the run's sandbox to the Cloud's own clock."""
    await bot.store.facts.once(_kept(run_id), "yes")


async def is_kept(bot: Bot, run_id: UUID) -> bool:
    return await bot.store.facts.get(_kept(run_id)) is not None


async def reap(bot: Bot) -> None:
    """Delete the sandboxes that carry this bot's mark and whose runs are over; everything else is left."""
    account = bot.account
    if account is None:
        return
    async with Cloud(account) as cloud:
        for found in await marked_sandboxes(cloud):
            keys = ExternalId.parse((found.mark or "").rpartition(" ")[2])
            if keys is None or (keys.face, keys.instance) != (Face.BOT, bot.instance):
                continue
            run = await bot.store.runs.get(keys.run)
            if (run is None or run.state is State.ENDED) and not await is_kept(bot, keys.run):
                await give_back(cloud, found.sandbox.id)
                log.info("sandbox %s deleted: its run %s is over", found.sandbox.id, keys.run)


def in_sandbox(bot: Bot, connection: AgentConnection, sandbox_id: str) -> AgentConnection:
    """A connection that was remembered, which can be renewed again where the Cloud is still the same."""
    account = bot.account
    if account is None:
        return replace(connection, sandbox_id=sandbox_id)
    return renewable(connection, sandbox_id, account)


def _about(run_id: UUID) -> str:
    return f"sandboxes {run_id}"


def _kept(run_id: UUID) -> str:
    return f"{KEPT} {run_id}"
