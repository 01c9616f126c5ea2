"""The sandboxes of an account, and what stands in them of whose they are. Nothing is changed by looking."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from automation.agent_server import AgentServer
from automation.backends.sandbox_connection import connection_of
from automation.backends.sandbox_mark import parse_mark, read_mark_command
from automation.cloud import Cloud, Sandbox
from automation.errors import AutomationError

LOOKED_AT_WITHIN: Final = 15.0
AT_ONCE: Final = 5


@dataclass(frozen=True)
class MarkedSandbox:
    """A sandbox.

    Attributes:
        mark: empty for none; None if it could not be looked at: it is paused, starts, or does not answer.
    """

    sandbox: Sandbox
    mark: str | None


async def marked_sandboxes(cloud: Cloud) -> list[MarkedSandbox]:
    """All of the account; one that is paused is not woken.

    Raises:
        CloudUnavailable: the list could not be read.
        CloudRefuses: the API says no.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(sandbox: Sandbox) -> MarkedSandbox:
        async with turns:
            return MarkedSandbox(sandbox, await _mark(cloud, sandbox))

    return list(await asyncio.gather(*[look(sandbox) for sandbox in await cloud.search()]))


async def _mark(cloud: Cloud, sandbox: Sandbox) -> str | None:
    if not sandbox.is_usable:
        return None
    try:
        # Without a renewal: what does not answer now is not looked into.
        connection = replace(connection_of(sandbox, cloud.account), renewal=None)
        async with AgentServer(connection) as server, asyncio.timeout(LOOKED_AT_WITHIN):
            record = await server.execute(read_mark_command(sandbox.id), timeout=LOOKED_AT_WITHIN)
    except (AutomationError, TimeoutError):
        return None
    return parse_mark(record.stdout)
