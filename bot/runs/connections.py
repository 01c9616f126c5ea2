"""Which agent-server a run is on: remembered with the run, because settings can change while it goes on.

The server's key is sealed in the database, for this run only, and forgotten with its end.
"""

import json

from automation.connection import AgentConnection, connect_to
from bot.bot import Bot
from bot.runs.run import Run

NAME = "connection"


async def connection_of(bot: Bot, run: Run) -> AgentConnection:
    """The server that the run was sent to, or is to be sent to.

    Raises:
        Refused: a fork's code has nowhere to go.
        Misconfigured: no key of BOT_SECRET_KEY opens what was sealed.
    """
    if run.is_ordered and (sealed := (await bot.store.secrets.of(run.id)).get(NAME)):
        kept = json.loads(bot.vault.open(sealed, _about(run)))
        return connect_to(kept["url"], kept["key"])
    return bot.agent_server(is_fork=run.is_fork)


async def keep(bot: Bot, run: Run, connection: AgentConnection) -> None:
    """Remember where the run is sent, before it is."""
    text = json.dumps({"url": connection.url, "key": connection.session_key})
    await bot.store.secrets.keep(run.id, {NAME: bot.vault.seal(text, _about(run))})


async def forget(bot: Bot, run: Run) -> None:
    """The run is over and told."""
    await bot.store.secrets.forget(run.id)


def _about(run: Run) -> str:
    return f"connection {run.id}"
