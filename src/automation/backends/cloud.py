"""Backend `cloud`: a sandbox that is made for one run and deleted after it, whatever happens.

    ask -> wait until it runs -> mark it as ours -> connection -> delete

Making one is not repeatable: the API takes no key of ours with the request. So what is asked for is written down
before, its id as soon as it is known, and its owner into the sandbox itself; whoever comes after a crash goes on with
it or deletes it by these, and nothing else. Where the answer to a request is lost, a sandbox that nobody has marked is
taken for ours only in an account that is declared dedicated; elsewhere it is reported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from automation.agent_server import AgentServer
from automation.backends import BackendName
from automation.backends.giving_back import HURRIED, WITHIN, give_back
from automation.backends.lost_answer import LostAnswer
from automation.backends.sandbox_connection import connection_of
from automation.backends.sandbox_ledger import Ledger, Memory
from automation.backends.sandbox_mark import Mark, mark_command, parse_mark
from automation.backends.sandbox_start import until_running
from automation.cloud import (
    Cloud,
    CloudAccount,
    CloudRefuses,
    CloudUnavailable,
    Sandbox,
    SandboxFailed,
    SandboxStatus,
)
from automation.cloud.client import now_at
from automation.connection import AgentConnection
from automation.errors import AutomationError, Refused, ServerUnavailable
from automation.finishing import to_its_end
from automation.reasons import Reason
from automation.run.patience import Patience
from automation.sentences import one_line

TRIES: Final = 3
BETWEEN_TRIES: Final = (2.0, 10.0)
ANSWERS_WITHIN: Final = 60.0
SHORT: Final = 30.0
TOLD_AFTER: Final = 5.0
"""Seconds that a deletion takes before it is spoken of."""


@dataclass
class CloudSandbox:
    """A sandbox of our own.

    Attributes:
        owner: whose it is, one line of words; written into it.
        keep: leave the one that the run was in to the Cloud's own clock.
        ledger: remembers it; one that it knows from before is used again.
        is_for_fork: code of a fork's will run in it, and must find nothing of the account's there.
        note: told in sentences how it goes.
        left_to: what becomes of one that could not be deleted, as the end of a sentence.
        is_hurried: nobody waits for a deletion that fails.
    """

    account: CloudAccount
    owner: str
    keep: bool = False
    ledger: Ledger = field(default_factory=Memory)
    is_for_fork: bool = False
    note: Callable[[str], None] = lambda _: None
    left_to: str = "it is left to the Cloud's own clock"
    is_hurried: bool = False
    name: BackendName = BackendName.CLOUD
    _lost: list[LostAnswer] = field(default_factory=list)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AgentConnection]:
        """Make the sandbox, wait until it can be used, delete it.

        Raises:
            SandboxLimit: the account may not have another one.
            CloudRefuses: it says no: the key, the address, the kind of sandbox.
            SandboxFailed: none came up, in `TRIES` tries.
            Refused: a fork's code would find the account's secrets in it.
        """
        used = None
        async with Cloud(self.account) as cloud:
            try:
                connection = await self._obtain(cloud)
                used = connection.sandbox_id
                yield connection
            finally:
                await self._end(cloud, stays=used if self.keep else None)

    async def obtain(self) -> AgentConnection:
        """Make the sandbox and wait until it can be used; it stays until it is given back. Raises as `connect`."""
        async with Cloud(self.account) as cloud:
            return await self._obtain(cloud)

    async def _obtain(self, cloud: Cloud) -> AgentConnection:
        known = await self._known(cloud)
        if known is not None:
            return known
        for number, pause in enumerate((*BETWEEN_TRIES, 0.0), start=1):
            try:
                return await self._usable(cloud, await self._create(cloud))
            except ServerUnavailable as error:
                await self._give_back_all(cloud)
                if number == TRIES:
                    raise SandboxFailed(
                        f"no sandbox could be had in {TRIES} tries: {error.sentence}"
                    ) from error
                wait = max(pause, getattr(error, "wait", None) or 0)
                self.note(f"{error.sentence}; trying again in {wait:g} s")
                await asyncio.sleep(wait)
        raise AssertionError

    async def _known(self, cloud: Cloud) -> AgentConnection | None:
        """The one that is remembered from before, of somebody who died; what cannot be used of them is deleted."""
        if self.ledger.asked_at:
            await self._answer_lost(cloud, LostAnswer.of(self.ledger.asked_at))
        for sandbox_id in tuple(self.ledger.sandboxes):
            with suppress(ServerUnavailable):
                sandbox = await cloud.get(sandbox_id)
                if sandbox is not None:
                    self.note(f"the sandbox {sandbox_id} was made for this run before")
                    return await self._usable(cloud, sandbox)
        await self._give_back_all(cloud)
        return None

    async def _usable(self, cloud: Cloud, sandbox: Sandbox) -> AgentConnection:
        sandbox = await until_running(cloud, sandbox, self.note)
        connection = connection_of(sandbox, self.account)
        text = await self._mark(connection)
        if not text:
            raise SandboxFailed(f"the sandbox {sandbox.id} could not be marked: is its disk full?")
        if not self._is_ours(text, sandbox):
            # Somebody whose own answer was lost has taken it for his.
            await self.ledger.gave_back(sandbox.id)
            raise SandboxFailed(f"the sandbox {sandbox.id} is marked as another run's")
        if self.is_for_fork and (count := await cloud.secrets_for(sandbox)):
            raise Refused(
                f"the account at {self.account.url} has {count} secrets or git tokens that code in its sandboxes can "
                "read, and this is a fork's: give forks an account that has none, or an agent-server that is set aside",
                reason=Reason.FORK_NEEDS_ISOLATION,
            )
        return connection

    async def _mark(self, connection: AgentConnection) -> str:
        """Mark it; its mark now. That it answers is what shows that it can be used: its status does not."""
        assert connection.sandbox_id  # noqa: S101
        text = Mark(self.owner, is_kept=self.keep).sealed(connection.sandbox_id, self.account.key)
        command = mark_command(connection.sandbox_id, text)
        async with AgentServer(connection) as server:
            record = await Patience(ANSWERS_WITHIN).bear(lambda: server.execute(command, timeout=SHORT))
        return parse_mark(record.stdout)

    def _is_ours(self, text: str, sandbox: Sandbox) -> bool:
        mark = Mark.proved(text, sandbox.id, self.account.key)
        return mark is not None and mark.owner == self.owner

    async def _create(self, cloud: Cloud) -> Sandbox:
        """Ask for one. Half done it would be one whose id nobody knows."""
        return await to_its_end(self._ask(cloud))

    async def _ask(self, cloud: Cloud) -> Sandbox:
        asked = now_at(cloud)
        await self.ledger.asks(asked.timestamp())
        try:
            sandbox = await cloud.create()
        except AutomationError as error:
            # An unknown kind of sandbox is answered by "internal server error".
            kinds = await self._other_kinds(cloud) if isinstance(error, CloudUnavailable) else []
            if getattr(error, "is_lost", False) and not kinds:
                await self._answer_lost(cloud, LostAnswer.between(asked, now_at(cloud)))
                raise
            await self.ledger.asks(0)
            if not kinds:
                raise
            raise CloudRefuses(
                f"the Cloud API at {self.account.url} knows no kind of sandbox "
                f"'{one_line(self.account.spec, 100)}': check AUTOMATION_CLOUD_SANDBOX_SPEC; there are: "
                f"{', '.join(one_line(each, 100) for each in kinds[:10])}"
            ) from None
        try:
            await self.ledger.has(sandbox.id)
        except BaseException:
            # Nobody would know of it.
            with suppress(AutomationError):
                await give_back(cloud, sandbox.id)
            raise
        return sandbox

    async def _other_kinds(self, cloud: Cloud) -> list[str]:
        """The kinds of sandboxes that there are, if ours is none of them; empty if it may be one."""
        if not self.account.spec:
            return []
        try:
            known = await cloud.specs()
        except AutomationError:
            return []
        return [] if self.account.spec in known else known

    async def _answer_lost(self, cloud: Cloud, lost: LostAnswer) -> None:
        """There may be a sandbox whose id nobody knows; it looks like one that somebody else makes at that moment.

        Raises:
            CloudRefuses: there is none.
        """
        if self.account.is_dedicated:
            self._lost.append(lost)
        else:
            await self._name(cloud, lost)
        await self.ledger.loses_answer()

    async def _name(self, cloud: Cloud, lost: LostAnswer) -> None:
        try:
            self.note(await lost.suspicion(cloud, self.ledger.sandboxes))
        except CloudRefuses:
            # It is no Cloud, or none for us: then it has not made anything.
            await self.ledger.asks(0)
            raise
        except CloudUnavailable as error:
            self.note(
                f"an answer of the Cloud API was lost; what it may have made is not known: {error.sentence}"
            )

    async def claim(self, cloud: Cloud, lost: LostAnswer) -> bool:
        """Take what it has left, to be deleted, in an account where nobody else makes any.

        It is ours once it has our mark. It is not used: a run can remove the mark of its own sandbox, and would then
        find another one's secrets in it.

        Returns:
            Whether it was found.

        Raises:
            AutomationError: there may be one that could not be taken.
        """
        trouble: AutomationError | None = None
        suspects = await lost.suspects(cloud, self.ledger.sandboxes)
        # One that starts is waited for: not before those that need no waiting.
        for each in sorted(suspects, key=lambda each: not each.is_usable):
            if each.status is SandboxStatus.ERROR:
                # Nobody can mark it, and nobody can use it.
                await self.ledger.has(each.id)
                continue
            try:
                sandbox = await until_running(cloud, each, self.note)
                if self._is_ours(await self._mark(connection_of(sandbox, self.account)), sandbox):
                    await self.ledger.has(sandbox.id)
                    return True
            except ServerUnavailable as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return False

    async def _end(self, cloud: Cloud, stays: str | None) -> None:
        """Delete what was made, however often somebody asks us to leave."""
        ending = asyncio.create_task(self._give_back_all(cloud, stays=stays))
        try:
            await asyncio.wait([ending], timeout=TOLD_AFTER)
            if not ending.done():
                self.note("the sandbox is being deleted")
                await asyncio.wait([ending])
        except asyncio.CancelledError:
            await asyncio.wait([ending], timeout=HURRIED)
            raise
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)
            for sandbox_id in self.ledger.sandboxes:
                if sandbox_id != stays:
                    self.note(f"the sandbox {sandbox_id} is not deleted; {self.left_to}")
            if self._lost:
                self.note(
                    "an answer of the Cloud API was lost, and what it may have made could not be deleted"
                )

    async def _give_back_all(self, cloud: Cloud, stays: str | None = None) -> None:
        """Delete what is remembered, and what lost answers have left; what cannot be is told."""
        if not self.is_hurried:
            for lost in tuple(self._lost):
                with suppress(AutomationError):
                    await self.claim(cloud, lost)
                    self._lost.remove(lost)
        for sandbox_id in tuple(self.ledger.sandboxes):
            if sandbox_id == stays:
                continue
            await self.ledger.gives_back(sandbox_id)
            try:
                await give_back(cloud, sandbox_id, HURRIED if self.is_hurried else WITHIN)
            except AutomationError as error:
                self.note(f"the sandbox {sandbox_id} could not be deleted: {error.sentence}")
            else:
                await self.ledger.gave_back(sandbox_id)
