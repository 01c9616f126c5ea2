"""A reverse proxy before a real agent-server that does to its answers what networks and busy servers do.

It carries HTTP only: a client behind it has no event socket and has to poll.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

type Answer = Callable[[], Awaitable[httpx.Response]]
type Fault = Callable[[Request, Answer], Awaitable[Response | None]]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"}


def as_response(answer: httpx.Response) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
    return Response(answer.content, answer.status_code, headers)


class Cut(Exception):
    """Ends the connection without an answer."""


class FaultyProxy:
    """Passes everything on, except what `fault` answers itself.

    Attributes:
        seen: method and path of every request.
        fault: gets the request and a function that asks the real server; returns a response, or None to
            pass the real one on, or raises `Cut`.
    """

    def __init__(self, target: str, fault: Fault) -> None:
        self.seen: list[tuple[str, str]] = []
        self.fault = fault
        self.url = ""
        self._target = target
        self._http = httpx.AsyncClient(timeout=120, trust_env=False)

    async def handle(self, request: Request) -> Response:
        self.seen.append((request.method, request.url.path))
        body = await request.body()
        headers = {
            name: value for name, value in request.headers.items() if name not in {"host", "content-length"}
        }
        url = f"{self._target}{request.url.path}"
        if request.url.query:
            url += f"?{request.url.query}"

        async def answer() -> httpx.Response:
            return await self._http.request(request.method, url, content=body, headers=headers)

        response = await self.fault(request, answer)
        return response if response is not None else as_response(await answer())


async def _cut(request: Request, error: Exception) -> Response:
    """What a client sees of a connection that breaks: less than was promised."""
    del request, error
    response = Response(b"")
    response.raw_headers = [(b"content-length", b"100")]
    return response


@contextlib.asynccontextmanager
async def faulty_proxy(target: str, fault: Fault) -> AsyncIterator[FaultyProxy]:
    proxy = FaultyProxy(target, fault)
    app = Starlette(
        routes=[Route("/{path:path}", proxy.handle, methods=METHODS)], exception_handlers={Cut: _cut}
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield proxy
        finally:
            server.should_exit = True
            await task
            await proxy._http.aclose()
