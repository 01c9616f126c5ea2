"""Which agent-server a run is on: remembered with the run, because settings can change while it goes on.

The server's key is sealed in the database, for this run only, and forgotten with its end.
"""

import json

from automation.connection import AgentConnection, connect_to
from bot.bot import Bot
from bot.runs import sandboxes
from bot.runs.run import Run

NAME = "connection"


async def connection_of(bot: Bot, run: Run, *, keeps: bool = False) -> AgentConnection:
    """The server that the run was sent to, or is to be sent to: in a Cloud a sandbox that is made for it.

    Args:
        keeps: the sandbox is to stay after the run.

    Raises:
        Refused: a fork's code has nowhere to go, or the Cloud's limit is reached.
        SandboxFailed, CloudRefuses: there is no sandbox to be had.
        Misconfigured: no key of BOT_SECRET_KEY opens what was sealed.
    """
    if run.is_ordered and (token := (await bot.store.secrets.of(run.id)).get(NAME)):
        kept = json.loads(bot.vault.open(token, _about(run)))
        connection = connect_to(kept["url"], kept["key"])
        sandbox_id = kept.get("sandbox")
        return sandboxes.in_sandbox(bot, connection, sandbox_id) if sandbox_id else connection
    if bot.account is not None:
        return await sandboxes.obtain(bot, run, keeps=keeps)
    return bot.agent_server(is_fork=run.is_fork)


def sealed(bot: Bot, run: Run, connection: AgentConnection) -> dict[str, bytes]:
    """Where the run is sent, to be kept with its row before it is."""
    there = {"url": connection.url, "key": connection.session_key, "sandbox": connection.sandbox_id}
    text = json.dumps(there)
    return {NAME: bot.vault.seal(text, _about(run))}


async def forget(bot: Bot, run: Run) -> None:
    """The run is over and told."""
    await bot.store.secrets.forget(run.id)


def _about(run: Run) -> str:
    return f"connection {run.id}"
