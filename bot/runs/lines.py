"""One open line to each agent-server, for as long as runs use it: the server admits 50 sockets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from automation.agent_server import Line
from automation.connection import AgentConnection
from bot.log_context import about_nothing


@dataclass
class _Shared:
    line: Line
    stack: AsyncExitStack
    users: int = 0


@dataclass
class Lines:
    """The lines of this process."""

    _open: dict[AgentConnection, _Shared] = field(default_factory=dict)

    @asynccontextmanager
    async def to(self, connection: AgentConnection) -> AsyncIterator[Line]:
        """The line to a server; closed when nobody uses it any more."""
        shared = self._open.get(connection)
        if shared is None:
            stack = AsyncExitStack()
            # Opening does not wait for the server, so no second one can be opened meanwhile.
            with about_nothing():
                line = await stack.enter_async_context(Line.open(connection))
            shared = self._open[connection] = _Shared(line, stack)
        shared.users += 1
        try:
            yield shared.line
        finally:
            shared.users -= 1
            if not shared.users:
                del self._open[connection]
                await shared.stack.aclose()
