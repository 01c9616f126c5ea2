"""Look at a run, end it, remove it: all by run id, all repeatable, from any process that can reach the server."""

import asyncio
import time
from uuid import UUID

from automation.agent_server import AgentServer
from automation.errors import ServerUnavailable
from automation.observation import Cause, Process
from automation.run.commands import (
    Look,
    parse_look,
    probe_command,
    release_command,
    stop_command,
    sweep_command,
)
from automation.sentences import one_line

SHORT = 30.0
STOP_GRACE = 3.0
STARTS_WITHIN = 2.0


async def look(server: AgentServer, key: UUID, base: str | None) -> Look:
    """What the server's machine shows of the run now."""
    record = await server.execute(probe_command(key, base), timeout=SHORT)
    return parse_look(record.stdout)


async def look_settled(server: AgentServer, key: UUID, base: str | None) -> Look:
    """The same, but a run that is prepared gets `STARTS_WITHIN` seconds to claim itself: its start may be on its way."""
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        now = await look(server, key, base)
        if now.process is not Process.UNKNOWN or not now.exists or time.monotonic() > deadline:
            return now
        await asyncio.sleep(0.1)


async def stop(
    server: AgentServer,
    key: UUID,
    base: str | None,
    cause: Cause,
    *,
    grace: float = STOP_GRACE,
    forestall: bool = True,
) -> Look:
    """End the run: TERM, `grace` seconds, KILL, and whatever left its group.

    Returns what is left; of a run that has ended already, only what escaped from it is ended. A run that is
    prepared and not started never will be; with `forestall`, neither will one that is not prepared yet.

    Raises:
        ServerUnavailable: the server did not do it.
    """
    command = stop_command(key, base, cause, grace=grace, forestall=forestall)
    return await _ended(server, command, grace)


async def sweep(server: AgentServer, key: UUID, base: str | None, cause: Cause) -> Look:
    """End whatever lives of a run whose runner is gone."""
    return await _ended(server, sweep_command(key, base, cause, grace=STOP_GRACE), STOP_GRACE)


async def _ended(server: AgentServer, command: str, grace: float) -> Look:
    record = await server.execute(command, timeout=SHORT + grace)
    if record.exit_code != 0:
        raise ServerUnavailable(f"the run could not be stopped: {one_line(record.stderr[-200:])}")
    return parse_look(record.stdout)


async def release(server: AgentServer, key: UUID, base: str | None) -> None:
    """Remove the run's directory from the server."""
    await server.execute(release_command(key, base), timeout=SHORT)
