"""Webhooks stored durably per second, against a bare app that only verifies the HMAC, on the same server stack.

Both are processes of their own under uvicorn, and are sent the same signed deliveries of 12 kB by as many
connections, in turn. `python -m tests.bench.inbox` prints the ratios.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.inbox import Inbox, webhook_route
from bot.store import Database
from tests.server_process import free_port

ROUNDS = 5
DELIVERIES = 480
"""In a round of each."""

CONNECTIONS = 32
SECRET = b"a secret for the bench"
BODY = 12_000
LEAST = {"ignored": 0.25, "request": 0.15}
"""Goals: webhooks per second of ours to those of the bare app."""


@dataclass
class Speeds:
    """Seconds per webhook, round by round."""

    bare: list[float] = field(default_factory=list)
    ignored: list[float] = field(default_factory=list)
    request: list[float] = field(default_factory=list)

    def ratio(self, kind: str) -> float:
        """Webhooks per second of ours to those of the bare app."""
        ours: list[float] = getattr(self, kind)
        return median(self.bare) / median(ours)


def payload(*, is_request: bool) -> bytes:
    """A comment with much around it, as GitHub sends it."""
    comment = {"id": 1, "body": "/run-automation review" if is_request else "Looks good to me"}
    around = {
        f"key_{number}_url": f"https://api.github.com/repos/octo/demo/{number}" for number in range(150)
    }
    document = {"action": "created", "comment": comment, "installation": {"id": 7}}
    document |= {"repository": {"full_name": "octo/demo"} | around, "body": ""}
    document["body"] = "".join(f"line {number}\n" for number in range(2000))[
        : BODY - len(json.dumps(document))
    ]
    return json.dumps(document).encode()


def requests(body: bytes, count: int) -> list[bytes]:
    """Signed deliveries as they go over the wire."""
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhook HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-github-event: issue_comment\r\n"
        f"x-hub-signature-256: sha256={signature}\r\nx-github-delivery: "
    )
    return [f"{head}{uuid4()}\r\n\r\n".encode() + body for _count in range(count)]


async def send(port: int, waiting: list[bytes]) -> None:
    """One connection's part: the next one once the last one has been answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while waiting:
        writer.write(waiting.pop())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
    writer.close()
    await writer.wait_closed()


async def seconds(port: int, body: bytes, count: int = DELIVERIES) -> float:
    """Per webhook."""
    waiting = requests(body, count)
    began = time.perf_counter()
    await asyncio.gather(*(send(port, waiting) for _count in range(CONNECTIONS)))
    return (time.perf_counter() - began) / count


def is_wanted(_event: str, payload: Mapping[str, Any]) -> bool:
    return str(payload["comment"]["body"]).startswith("/")


async def bare(request: Request) -> Response:
    body = await request.body()
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    is_signed = hmac.compare_digest(signature, request.headers["x-hub-signature-256"])
    return PlainTextResponse("stored", 202 if is_signed else 401)


async def serve(kind: str, port: int, directory: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        route = Route("/webhook", bare, methods=["POST"])
        if kind == "ours":
            database = await stack.enter_async_context(Database.open(f"sqlite:///{directory}/bot.db"))
            inbox = await stack.enter_async_context(Inbox.open(database, is_wanted))
            route = webhook_route(inbox, SECRET)
        app = Starlette(routes=[route])
        await uvicorn.Server(
            uvicorn.Config(app, port=port, log_level="warning", access_log=False, lifespan="off")
        ).serve()


@contextlib.asynccontextmanager
async def serving(kind: str, directory: Path) -> AsyncIterator[int]:
    """The port of a server in a process of its own."""
    port = free_port()
    arguments = (
        "-m",
        __name__ if __name__ != "__main__" else "tests.bench.inbox",
        kind,
        str(port),
        str(directory),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def measure() -> Speeds:
    """Seconds per webhook, in turn, after a warm-up."""
    speeds = Speeds()
    ignored, request = payload(is_request=False), payload(is_request=True)
    with tempfile.TemporaryDirectory(prefix="bench-inbox-") as name:
        async with serving("bare", Path(name)) as other, serving("ours", Path(name)) as ours:
            for port in (other, ours):
                await seconds(port, request, DELIVERIES // 3)
            for _count in range(ROUNDS):
                speeds.bare.append(await seconds(other, ignored))
                speeds.ignored.append(await seconds(ours, ignored))
                speeds.request.append(await seconds(ours, request))
    return speeds


async def main() -> int:
    speeds = await measure()
    print(f"bare app: {1 / median(speeds.bare):.0f} webhooks/s")
    for kind, least in LEAST.items():
        ratio = speeds.ratio(kind)
        per_second = 1 / median(getattr(speeds, kind))
        print(f"{kind}: {per_second:.0f} webhooks/s, ratio {ratio:.2f}, goal >= {least}")
    return 0 if all(speeds.ratio(kind) >= least for kind, least in LEAST.items()) else 1


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
    else:
        sys.exit(asyncio.run(main()))
