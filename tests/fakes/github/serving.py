"""An ASGI application on loopback ports, in a thread of this process."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.fakes.github.edge import TRANSPORT

READY_WITHIN = 10.0
END_WITHIN = 10.0
# How long answers that are under way may take once the server ends.
GRACE = 2.0
TICK = 0.002


class _Connection(H11Protocol):
    """Hands its transport to the application, which may close it without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, "extensions": {TRANSPORT: transport}}, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """Ends at once when it is told to; uvicorn's own takes up to two tenths of a second, in every test."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.end = asyncio.Event()

    async def main_loop(self) -> None:
        await self.end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        deadline = time.monotonic() + GRACE
        while (state.connections or state.tasks) and time.monotonic() < deadline:
            await asyncio.sleep(TICK)
        for task in state.tasks:
            task.cancel()


class Serving:
    """Serves until it is closed.

    Attributes:
        ports: those that it listens on, where 0 was asked for, too.
    """

    def __init__(self, *ports: int) -> None:
        self._sockets = [_listener(port) for port in ports]
        self.ports = [int(listener.getsockname()[1]) for listener in self._sockets]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._on_end: Callable[[], None] = lambda: None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The one that it serves on."""
        assert self._loop is not None
        return self._loop

    def start(self, app: ASGIApp, on_end: Callable[[], None]) -> None:
        """Starts the thread, and returns when it serves.

        Args:
            on_end: called on the server's loop before it waits for its last answers.
        """
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, args=(app,), name="fake GitHub", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + READY_WITHIN
        while not (self._server and self._server.started):
            assert self._thread.is_alive(), "the fake GitHub did not start"
            assert time.monotonic() < deadline, "the fake GitHub did not get ready"
            time.sleep(TICK)

    def _run(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
        )

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._server = _Server(config)
            await self._server.serve(sockets=self._sockets)

        asyncio.run(serve())

    def close(self) -> None:
        """Ends the thread; answers that are under way go out."""
        if self._thread is None:
            for listener in self._sockets:
                listener.close()
            return
        assert self._loop is not None
        assert self._server is not None
        self._loop.call_soon_threadsafe(self._on_end)
        self._loop.call_soon_threadsafe(self._server.end.set)
        self._thread.join(END_WITHIN)
        assert not self._thread.is_alive(), "the fake GitHub did not end"


def _listener(port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms an answer) off only for sockets that say that they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener
