"""A webhook over a real database: in this process, or as a process to kill.

`python -m tests.bot.inbox.receiver DATABASE PORT` serves until it is ended.
"""

import asyncio
import hashlib
import hmac
import json
import sys
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from starlette.applications import Starlette

from bot.inbox import Inbox, webhook_route
from bot.inbox.webhook import LIMIT
from bot.store import Database
from bot.store.requests import Request, RequestRows

SECRET = b"It's a Secret to Everybody"
COMMENT = {
    "action": "created",
    "comment": {"id": 1, "body": "/run-automation"},
    "repository": {"full_name": "octo/demo"},
    "installation": {"id": 7},
}
EVENT = "issue_comment"


def is_wanted(event: str, _payload: Mapping[str, Any]) -> bool:
    return event == EVENT


def guid() -> str:
    return str(uuid4())


def signed(body: bytes, **headers: str | None) -> dict[str, str]:
    """The headers of a delivery; named ones in place of what GitHub would send, None for one that is left out."""
    digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    usual: dict[str, str | None] = {
        "content-type": "application/json",
        "x-github-delivery": guid(),
        "x-github-event": EVENT,
        "x-hub-signature-256": f"sha256={digest}",
    }
    usual |= {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in usual.items() if value is not None}


@dataclass
class Receiver:
    database: Database
    inbox: Inbox
    app: Starlette
    http: httpx.AsyncClient

    async def post(self, body: object = COMMENT, **headers: str | None) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send(content, signed(content, **headers))

    async def send(
        self, content: bytes | AsyncIterable[bytes], headers: Mapping[str, str | bytes]
    ) -> httpx.Response:
        return await self.http.post("/webhook", content=content, headers=dict(headers))  # type: ignore[arg-type]

    async def requests(self) -> list[Request]:
        return await RequestRows(self.database).due(4e9, 1000)

    async def payloads(self) -> dict[str, Any]:
        """What has been sent with each request, by the delivery's GUID."""
        rows = RequestRows(self.database)
        return {each.delivery: await rows.payload(each.id) for each in await self.requests()}


@asynccontextmanager
async def receiving(path: Path, limit: int = LIMIT) -> AsyncIterator[Receiver]:
    async with (
        Database.open(f"sqlite:///{path}") as database,
        Inbox.open(database, is_wanted) as inbox,
    ):
        app = Starlette(routes=[webhook_route(inbox, SECRET, limit=limit)])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
            yield Receiver(database, inbox, app, http)


async def serve(path: Path, port: int) -> None:
    async with receiving(path) as receiver:
        config = uvicorn.Config(receiver.app, port=port, log_level="warning", lifespan="off")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
