"""The sandboxes of runs in a Cloud: remembered with the run before they are asked for, deleted after its end.

What is remembered is sealed like the connection, and goes with it. A driver that finds a sandbox of a driver before it
follows the run in it, or deletes it where no run was begun in it. What nobody remembers any more is found by its mark.
A request whose answer nobody saw is remembered until it can make nothing any more.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from automation.backends.cloud import CloudSandbox
from automation.backends.giving_back import WITHIN, give_back
from automation.backends.lost_sandbox import settle_lost
from automation.backends.marked_sandboxes import marked_sandboxes
from automation.backends.sandbox_connection import renewable
from automation.cloud import Cloud, CloudAccount, SandboxFailed
from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured
from bot.bot import Bot
from bot.log_context import about, about_run
from bot.runs.owner import Owner, keys_of
from bot.runs.run import Overtaken, Run, State

NAME = "sandboxes"
KEPT = "kept-sandbox"

TRIED_FOR = 3600.0
"""Seconds for which it is tried to take what a lost request may have made, where that does not work."""

log = logging.getLogger(__name__)


@dataclass
class SandboxMemo:
    """`Ledger` of one run. A driver that has lost the run to a newer one writes nothing: it raises `Overtaken`.

    Attributes:
        api_url: of the Cloud whose sandboxes they are.
        asked_at: Unix time by the API's clock of a request whose answer nobody has seen; 0 for none.
        lost: the same of earlier ones, whose answers nobody will see.
        failing_since: Unix time since when what one of these may have made could not be taken; 0 if it could.
        is_used: there ever was one, or was to be.
    """

    bot: Bot
    run: Run
    api_url: str = ""
    asked_at: float = 0
    lost: tuple[float, ...] = ()
    failing_since: float = 0
    sandboxes: tuple[str, ...] = ()
    is_used: bool = False

    @classmethod
    async def of(cls, bot: Bot, run: Run) -> Self:
        """What is remembered of a run.

        Raises:
            Misconfigured: no key of BOT_SECRET_KEY opens what was sealed.
        """
        sealed = (await bot.store.secrets.of(run.id)).get(NAME)
        if sealed is None:
            return cls(bot, run)
        kept = json.loads(bot.vault.open(sealed, _about(run.id)))
        return cls(
            bot,
            run,
            api_url=kept["api_url"],
            asked_at=kept["asked_at"],
            lost=tuple(kept.get("lost", ())),
            failing_since=kept.get("failing_since", 0),
            sandboxes=tuple(kept["sandboxes"]),
            is_used=True,
        )

    @property
    def unanswered(self) -> tuple[float, ...]:
        """When sandboxes were asked for whose ids nobody knows."""
        return (*self.lost, self.asked_at) if self.asked_at else self.lost

    async def asks(self, at: float) -> None:
        self.asked_at = at
        await self._write()

    async def has(self, sandbox_id: str) -> None:
        self.sandboxes, self.asked_at = (*self.sandboxes, sandbox_id), 0
        await self._write()

    async def loses_answer(self) -> None:
        self.lost, self.asked_at = self.unanswered, 0
        await self._write()

    async def settled(self, asked_at: float) -> None:
        """Nothing that this request has made is left that nobody knows of."""
        self.lost = tuple(each for each in self.lost if each != asked_at)
        await self._write()

    async def fails(self, now: float) -> None:
        """What a lost request may have made could not be taken."""
        if not self.failing_since:
            self.failing_since = now
            await self._write()

    async def gives_back(self, _sandbox_id: str) -> None:
        async with self.bot.store.database.writing():
            if not await self.bot.store.runs.hold(self.run):
                raise Overtaken

    async def gave_back(self, sandbox_id: str) -> None:
        self.sandboxes = tuple(each for each in self.sandboxes if each != sandbox_id)
        await self._write()

    async def _write(self) -> None:
        self.is_used = True
        kept = {
            "api_url": self.api_url,
            "asked_at": self.asked_at,
            "lost": self.lost,
            "failing_since": self.failing_since,
            "sandboxes": self.sandboxes,
        }
        sealed = self.bot.vault.seal(json.dumps(kept), _about(self.run.id))
        store = self.bot.store
        async with store.database.writing():
            if not await store.runs.hold(self.run):
                raise Overtaken
            await store.secrets.keep(self.run.id, {NAME: sealed})


async def obtain(bot: Bot, run: Run, *, keeps: bool) -> AgentConnection:
    """A sandbox for this run; one that a driver before has made is used.

    Args:
        keeps: it is to stay after the run.

    Raises:
        SandboxLimit, SandboxFailed, CloudRefuses: there is none to be had.
        Refused: a fork's code would find the account's secrets in it.
        Misconfigured: the run has one of another Cloud, or may have.
    """
    account = bot.account
    assert account is not None  # noqa: S101
    memo = await SandboxMemo.of(bot, run)
    if (memo.sandboxes or memo.unanswered) and memo.api_url != account.url:
        raise Misconfigured(
            f"the run has asked for a sandbox of {memo.api_url}, which is not the Cloud any more"
        )
    memo.api_url = account.url
    return await _sandbox(bot, memo, account, keeps=keeps).obtain()


async def give_back_all(bot: Bot, run: Run, deleted: Callable[[str], None] = lambda _: None) -> bool:
    """Delete the run's sandboxes, and what requests have made whose answers nobody saw.

    Args:
        deleted: told the id of each that was.

    Returns:
        Whether none is left that should be gone, as far as can be known.
    """
    memo = await SandboxMemo.of(bot, run)
    stay = await _staying(bot, memo)
    if not (memo.unanswered or set(memo.sandboxes) - stay):
        return True
    account = bot.account
    if account is None or account.url != memo.api_url:
        log.info(
            "run %s: its sandboxes %s are of %s, which is not the Cloud any more: they are deleted once it is again",
            run.id,
            ", ".join(memo.sandboxes) or "(ids unknown)",
            memo.api_url,
        )
        return False
    await _look_for_lost(bot, memo, account)
    try:
        async with Cloud(account) as cloud:
            for sandbox_id in memo.sandboxes:
                if sandbox_id not in stay:
                    await memo.gives_back(sandbox_id)
                    await give_back(cloud, sandbox_id)
                    await memo.gave_back(sandbox_id)
                    deleted(sandbox_id)
    except AutomationError as error:
        log.warning("run %s: a sandbox is left for later (%s)", run.id, bot.redactor.text(error.sentence))
    return not (memo.unanswered or set(memo.sandboxes) - stay)


async def _look_for_lost(bot: Bot, memo: SandboxMemo, account: CloudAccount) -> None:
    """Remember what answers that were lost have told nobody of, or name it; what cannot be done now stays to be done."""
    if memo.asked_at:
        await memo.loses_answer()
    sandbox, now = _sandbox(bot, memo, account, keeps=False), bot.clock.now()
    gives_up = 0 < memo.failing_since < now - TRIED_FOR
    for asked_at in memo.lost:
        try:
            is_settled = await settle_lost(sandbox, asked_at, gives_up=gives_up)
        except (AutomationError, TimeoutError) as error:
            if isinstance(error, SandboxFailed):
                await memo.fails(now)
            what = bot.redactor.text(str(error)) or f"not done in {WITHIN:g} s"
            log.warning("run %s: a sandbox that it has asked for is looked for later (%s)", memo.run.id, what)
            continue
        if is_settled:
            await memo.settled(asked_at)


def _sandbox(bot: Bot, memo: SandboxMemo, account: CloudAccount, *, keeps: bool) -> CloudSandbox:
    run = memo.run

    def note(sentence: str) -> None:
        log.info("run %s: %s", run.id, bot.redactor.text(sentence))

    owner = Owner(bot.settings.github_url, run.repository, keys_of(run, bot.instance))
    return CloudSandbox(account, str(owner), keep=keeps, ledger=memo, is_for_fork=run.is_fork, note=note)


async def _staying(bot: Bot, memo: SandboxMemo) -> set[str]:
    """Those of the run's sandboxes that are left to the Cloud's own clock."""
    run = memo.run
    kept = await bot.store.facts.get(_kept(run.id)) if run.is_ordered else None
    if kept is None:
        return set()
    return {kept} if kept in memo.sandboxes else set(memo.sandboxes)


async def was_in_one(bot: Bot, run: Run) -> bool:
    """Whether the run was to be in a sandbox, with which everything of it is gone."""
    return (await SandboxMemo.of(bot, run)).is_used


async def keep(bot: Bot, run_id: UUID, sandbox_id: str) -> None:
    """Leave this sandbox of the run to the Cloud's own clock."""
    await bot.store.facts.put(_kept(run_id), sandbox_id)


async def reap(bot: Bot) -> None:
    """Delete the sandboxes that carry this bot's mark and whose runs are over; everything else is left.

    Raises:
        CloudUnavailable, CloudRefuses: the account's sandboxes could not be listed.
    """
    account = bot.account
    if account is None:
        return
    async with Cloud(account) as cloud:
        for found in await marked_sandboxes(cloud):
            owner = Owner.parse(found.mark.owner) if found.mark else None
            if owner is None or not owner.is_of(bot.instance):
                continue
            run_id = owner.external_id.run
            try:
                run = await bot.store.runs.get(run_id)
            except ValueError:
                log.warning(
                    "run %s cannot be read: its sandbox is left to a newer version of the bot", run_id
                )
                continue
            if (found.mark and found.mark.is_kept) or (run is not None and run.state is not State.ENDED):
                continue
            with about_run(run) if run else about(run=str(run_id)):
                try:
                    await give_back(cloud, found.sandbox.id)
                except AutomationError as error:
                    log.warning("sandbox %s: %s", found.sandbox.id, bot.redactor.text(error.sentence))
                else:
                    note_deleted(bot, run_id, found.sandbox.id)


def note_deleted(bot: Bot, run_id: UUID, sandbox_id: str) -> None:
    """As something that nobody has asked for."""
    bot.deeds.note("sandbox-deleted", f"sandbox {sandbox_id} deleted: its run {run_id} is over")


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
