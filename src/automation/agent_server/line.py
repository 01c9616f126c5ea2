"""An open line to one agent-server: its HTTP API and its push channel, shared by all runs of a process on it.

The server admits 50 sockets, and a client of its own for each run would cost more memory than the run.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from automation.agent_server.client import AgentServer
from automation.agent_server.events import BashEvents
from automation.connection import AgentConnection


@dataclass(frozen=True)
class Line:
    """One server, open."""

    server: AgentServer
    events: BashEvents

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: AgentConnection) -> AsyncIterator[Self]:
        """The line, for as long as the context lasts; that nobody answers yet is no error."""
        async with (
            AgentServer(connection) as server,
            BashEvents(connection, lambda: server.connection) as events,
        ):
            yield cls(server, events)
