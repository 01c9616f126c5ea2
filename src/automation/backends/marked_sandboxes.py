"""The sandboxes of an account, and what stands in them of whose they are. Nothing is changed by looking."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Final

from automation.agent_server import AgentServer
from automation.backends.sandbox_connection import connection_of
from automation.backends.sandbox_mark import Mark, parse_mark, read_mark_command
from automation.cloud import Cloud, Sandbox
from automation.errors import AutomationError

LOOKED_AT_WITHIN: Final = 15.0
AT_ONCE: Final = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MarkedSandbox:
    """A sandbox.

    Attributes:
        text: that stands in it; empty for none; None if it could not be looked at: it is paused, starts, or does not
            answer.
        mark: what that proves; None for nothing.
    """

    sandbox: Sandbox
    text: str | None
    mark: Mark | None


async def marked_sandboxes(cloud: Cloud) -> list[MarkedSandbox]:
    """All of the account; one that is paused is not woken.

    Raises:
        CloudUnavailable: the list could not be read.
        CloudRefuses: the API says no.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(sandbox: Sandbox) -> MarkedSandbox:
        async with turns:
            text = await _text(cloud, sandbox)
            return MarkedSandbox(sandbox, text, Mark.proved(text, sandbox.id, cloud.account.key))

    return list(await asyncio.gather(*[look(sandbox) for sandbox in await cloud.search()]))


async def _text(cloud: Cloud, sandbox: Sandbox) -> str | None:
    if not sandbox.is_usable:
        return None
    try:
        # Without a renewal: what does not answer now is not looked into.
        connection = replace(connection_of(sandbox, cloud.account), renewal=None)
        async with AgentServer(connection) as server, asyncio.timeout(LOOKED_AT_WITHIN):
            record = await server.execute(read_mark_command(sandbox.id), timeout=LOOKED_AT_WITHIN)
        return parse_mark(record.stdout)
    except (AutomationError, TimeoutError):
        return None
    except Exception:  # what runs in one sandbox must not hide all the others
        log.debug("sandbox %s", sandbox.id, exc_info=True)
        return None
