"""Backend `cloud`: a sandbox that is made for one run and deleted after it, whatever happens.

    ask -> wait until it runs -> mark it as ours -> connection -> delete

Making one is not repeatable: the API takes no key of ours with the request. So what is asked for is written down
before, its id as soon as it is known, and its owner into the sandbox itself; whoever comes after a crash deletes by
these, and nothing else. Where the answer to a request is lost, a sandbox that nobody has marked is taken for ours only
in an account that is declared dedicated; elsewhere it is reported.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Final

from automation.agent_server import AgentServer
from automation.backends import BackendName
from automation.backends.sandbox_connection import because, connection_of
from automation.backends.sandbox_ledger import Ledger, Memory
from automation.backends.sandbox_mark import mark_command, parse_mark
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
from automation.errors import AutomationError, ServerUnavailable
from automation.run.patience import Patience
from automation.sentences import one_line

TRIES: Final = 3
BETWEEN_TRIES: Final = (2.0, 10.0)
POLLS: Final = (1.0, 1.0, 1.5, 2.0, 3.0)
"""Seconds between two looks at a sandbox that starts, the last one for all that follow."""
STARTED_WITHIN: Final = 300.0
"""Source: the OpenHands SDK waits as long."""
LISTED_WITHIN: Final = 15.0
"""Seconds for which a new sandbox may not be listed yet."""
ANSWERS_WITHIN: Final = 60.0
DELETE_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
SKEW: Final = timedelta(seconds=5)
SHORT: Final = 30.0


@dataclass
class CloudSandbox:
    """A sandbox of our own.

    Attributes:
        owner: whose it is, one line of words; written into it.
        keep: leave it to the Cloud's own clock.
        ledger: remembers it.
        note: told in sentences how it goes.
        is_hurried: nobody waits for a deletion that fails.
    """

    account: CloudAccount
    owner: str
    keep: bool = False
    ledger: Ledger = field(default_factory=Memory)
    note: Callable[[str], None] = lambda _: None
    is_hurried: bool = False
    name: BackendName = BackendName.CLOUD
    _lost_since: datetime | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AgentConnection]:
        """Make the sandbox, wait until it can be used, delete it.

        Raises:
            SandboxLimit: the account may not have another one.
            CloudRefuses: it says no: the key, the address, the kind of sandbox.
            SandboxFailed: none came up, in `TRIES` tries.
        """
        async with AsyncExitStack() as stack:
            cloud = await stack.enter_async_context(Cloud(self.account))
            try:
                yield await self._obtain(cloud)
            finally:
                if not self.keep:
                    await asyncio.shield(self._give_back_all(cloud))

    async def obtain(self) -> AgentConnection:
        """Make the sandbox and wait until it can be used; it stays until `give_back`. Raises as `connect`.

        What the ledger remembers from before, of somebody who died while he waited, is deleted first.
        """
        async with Cloud(self.account) as cloud:
            await self._give_back_all(cloud)
            return await self._obtain(cloud)

    async def _obtain(self, cloud: Cloud) -> AgentConnection:
        for number, pause in enumerate((*BETWEEN_TRIES, 0.0), start=1):
            try:
                return await self._try(cloud)
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

    async def _try(self, cloud: Cloud) -> AgentConnection:
        sandbox = await self._until_usable(cloud, await self._create(cloud))
        connection = connection_of(sandbox, self.account)
        mark = await _mark(connection, self.owner)
        if not mark:
            raise SandboxFailed(f"the sandbox {sandbox.id} could not be marked: is its disk full?")
        if mark != self.owner:
            # Somebody whose own answer was lost has taken it for his.
            await self.ledger.gave_back(sandbox.id)
            raise SandboxFailed(f"the sandbox {sandbox.id} is marked as another run's")
        return connection

    async def _create(self, cloud: Cloud) -> Sandbox:
        since = now_at(cloud) - SKEW
        await self.ledger.asks(since.timestamp())
        creating = asyncio.create_task(self._created(cloud))
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            # It is being made: only with its id can it be deleted.
            with suppress(AutomationError):
                await creating
            raise
        except (CloudUnavailable, CloudRefuses) as error:
            # An unknown kind of sandbox is answered by "internal server error".
            if isinstance(error, CloudUnavailable) and (kinds := await self._other_kinds(cloud)):
                raise CloudRefuses(
                    f"the Cloud API at {self.account.url} knows no kind of sandbox "
                    f"'{one_line(self.account.spec, 100)}': check AUTOMATION_CLOUD_SANDBOX_SPEC; there are: "
                    f"{', '.join(one_line(each, 100) for each in kinds[:10])}"
                ) from None
            if not error.is_lost:
                raise
            self._lost_since = min(self._lost_since or since, since)
            if not self.account.is_dedicated:
                await self._tell_of_lost(cloud, since)
            elif taken := await self._take_lost(cloud):
                await self.ledger.has(taken.id)
                return taken
            raise

    async def _created(self, cloud: Cloud) -> Sandbox:
        sandbox = await cloud.create()
        await self.ledger.has(sandbox.id)
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

    async def _tell_of_lost(self, cloud: Cloud, since: datetime) -> None:
        """A sandbox whose answer was lost looks like one that somebody else has made at that moment."""
        found = [each.id for each in await self._unknown_since(cloud, since)]
        self.note(
            "an answer of the Cloud API was lost; what it may have made is among these: "
            f"{', '.join(found) or 'none is listed'}"
        )

    async def _take_lost(self, cloud: Cloud) -> Sandbox | None:
        """One that a lost answer has left, in an account where nobody else makes any; it is ours once it has our mark."""
        assert self._lost_since  # noqa: S101
        for each in await self._unknown_since(cloud, self._lost_since):
            if each.status is SandboxStatus.ERROR:
                # Nobody can mark it, and nobody can use it.
                await self.ledger.has(each.id)
                continue
            with suppress(ServerUnavailable):
                sandbox = await self._until_usable(cloud, each)
                if await _mark(connection_of(sandbox, self.account), self.owner) == self.owner:
                    return sandbox
        return None

    async def _unknown_since(self, cloud: Cloud, since: datetime) -> list[Sandbox]:
        for pause in DELETE_PAUSES:
            try:
                found = await cloud.search()
            except CloudUnavailable as error:
                await asyncio.sleep(max(pause, error.wait or 0))
            except AutomationError:
                return []
            else:
                return [
                    each
                    for each in found
                    if each.created_at >= since and each.id not in self.ledger.sandboxes
                ]
        return []

    async def _until_usable(self, cloud: Cloud, sandbox: Sandbox) -> Sandbox:
        """Wait until it runs.

        Raises:
            SandboxFailed: it will not.
        """
        began = told = time.monotonic()
        now: Sandbox | None = sandbox
        for pause in chain(POLLS, repeat(POLLS[-1])):
            waited = time.monotonic() - began
            if now is not None and now.is_usable:
                return now
            if now is not None and now.status is SandboxStatus.ERROR:
                raise SandboxFailed(f"the sandbox {sandbox.id} failed to start{because(now.why)}")
            if now is None and waited > LISTED_WITHIN:
                raise SandboxFailed(f"the sandbox {sandbox.id} was gone before it could be used")
            if waited > STARTED_WITHIN:
                raise SandboxFailed(f"the sandbox {sandbox.id} did not start in {STARTED_WITHIN:.0f} s")
            if time.monotonic() - told >= 10:  # noqa: PLR2004
                told = time.monotonic()
                self.note(f"the sandbox is starting ({waited:.0f} s)")
            await asyncio.sleep(pause)
            try:
                if now is not None and now.status is SandboxStatus.PAUSED:
                    await cloud.resume(sandbox.id)
                    now = now.model_copy(update={"status": SandboxStatus.STARTING})
                else:
                    now = await cloud.get(sandbox.id)
            except CloudUnavailable as error:
                await asyncio.sleep(error.wait or 0)
        raise AssertionError

    async def _give_back_all(self, cloud: Cloud) -> None:
        if self._lost_since and self.account.is_dedicated and not self.is_hurried:
            while lost := await self._take_lost(cloud):
                await self.ledger.has(lost.id)
        for sandbox_id in tuple(self.ledger.sandboxes):
            pauses = DELETE_PAUSES[:1] if self.is_hurried else DELETE_PAUSES
            try:
                await give_back(cloud, sandbox_id, pauses)
            except AutomationError as error:
                self.note(
                    f"the sandbox {sandbox_id} could not be deleted ({error.sentence}); "
                    "`automation sandboxes --reap` tries again"
                )
            else:
                await self.ledger.gave_back(sandbox_id)


async def give_back(cloud: Cloud, sandbox_id: str, pauses: tuple[float, ...] = DELETE_PAUSES) -> None:
    """Delete a sandbox, with tries; one that is gone is no error. Repeatable.

    Raises:
        CloudUnavailable: it may still be there.
        CloudRefuses: the API says no.
    """
    for pause in pauses:
        try:
            await cloud.delete(sandbox_id)
        except CloudUnavailable as error:
            await asyncio.sleep(max(pause, error.wait or 0))
        else:
            return
    await cloud.delete(sandbox_id)


async def _mark(connection: AgentConnection, owner: str) -> str:
    """Mark it; whose it is now. That it answers is what shows that it can be used: its status does not."""
    assert connection.sandbox_id  # noqa: S101
    command = mark_command(connection.sandbox_id, owner)
    async with AgentServer(connection) as server:
        record = await Patience(ANSWERS_WITHIN).bear(lambda: server.execute(command, timeout=SHORT))
    return parse_mark(record.stdout)
