"""Backend `agent-server`: a server that is there already and outlives the run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from automation.backends import BackendName
from automation.connection import AgentConnection, connect_to


@dataclass(frozen=True)
class PersistentServer:
    """A server's address and key (empty for an open server)."""

    url: str
    session_key: str = field(default="", repr=False)
    name: BackendName = BackendName.AGENT_SERVER

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AgentConnection]:
        """Nothing to make, nothing to take back.

        Raises:
            Misconfigured: not the address of a server.
        """
        yield connect_to(self.url, self.session_key)
