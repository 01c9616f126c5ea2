"""Backend `agent-server`: a server that is there already and outlives the run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from automation.backends import BackendName
from automation.connection import AgentConnection


@dataclass(frozen=True)
class PersistentServer:
    """A server that somebody has set up."""

    connection: AgentConnection
    name: BackendName = BackendName.AGENT_SERVER

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AgentConnection]:
        """Nothing to make, nothing to take back."""
        yield self.connection
