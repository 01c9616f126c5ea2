"""How a connection to an agent-server is obtained. Everything after the connection is shared.

A backend is an async context manager that yields an `AgentConnection` and takes back, whatever happens,
what it made for it.
"""

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from automation.connection import AgentConnection


class BackendName(StrEnum):
    """The words of `--backend`."""

    AGENT_SERVER = "agent-server"
    CLOUD = "cloud"
    EMBEDDED = "embedded"


class Backend(Protocol):
    """Obtains one connection."""

    @property
    def name(self) -> BackendName: ...

    def connect(self) -> AbstractAsyncContextManager[AgentConnection]:
        """The connection, for as long as the context lasts."""
