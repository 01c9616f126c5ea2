"""The fake GitHub as an ASGI application: records, lets faults happen, checks the contract.

Handlers run in threads: one that is delayed or slow holds up nobody else's connection.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from tests.fakes.github.faults import Fault, Faults
from tests.fakes.github.recording import Recorded
from tests.fakes.github.service import Sent, Service

if TYPE_CHECKING:
    from tests.fakes.github.contract import Contract

TRANSPORT = "fake_github.transport"


class Edge:
    """The application.

    Attributes:
        closing: set when the server ends; nobody is delayed from then on.
        codeload_port: requests to this port are for the host of the archives.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.faults = Faults()
        self.requests: list[Recorded] = []
        self.contract: Contract | None = None
        self.codeload_port = 0
        self.closing = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            recorded = await self._record(Request(scope, receive))
        except ClientDisconnect:
            return
        try:
            await self._answer(recorded, scope, receive, send)
        except Exception as broken:
            recorded.status = 500
            recorded.violations.append(f"the fake itself broke: {broken!r}")
            raise
        finally:
            recorded.is_over = True

    async def _answer(self, recorded: Recorded, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        fault = self.faults.take(recorded.method, recorded.path)
        if fault and not fault.after_effect and not await self._delay(fault, transport):
            return
        sent: Sent | None = None
        if fault is None or fault.has_effect:
            sent = await asyncio.to_thread(self._serve, recorded)
        else:
            await asyncio.to_thread(self._judge_request, recorded)
        if fault:
            recorded.is_faulty = fault.replaces
            if fault.after_effect:
                await self._delay(fault, transport)
            if fault.drop:
                transport.close()
                await receive()
                return
            if fault.replaces:
                sent = self.service.send(fault.answer())
        assert sent is not None
        _note(recorded, sent)
        if not recorded.is_faulty:
            await asyncio.to_thread(self._judge_answer, recorded)
        await _send(sent, send)

    async def _record(self, request: Request) -> Recorded:
        port = request.scope["server"][1]
        recorded = Recorded(
            method=request.method,
            host="codeload" if port == self.codeload_port else "api",
            path=request.scope["path"],
            query_string=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
        )
        self.requests.append(recorded)
        return recorded

    async def _delay(self, fault: Fault, transport: asyncio.Transport) -> bool:
        """Waits as long as the fault says; whether the client is still there."""
        if fault.delay:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), fault.delay)
        return not transport.is_closing()

    def _serve(self, recorded: Recorded) -> Sent:
        self._judge_request(recorded)
        return self.service.serve(recorded)

    def _judge_request(self, recorded: Recorded) -> None:
        self.service.route(recorded)
        self.service.attribute(recorded)
        if self.contract and recorded.host == "api":
            recorded.violations += self.contract.judge_request(recorded)

    def _judge_answer(self, recorded: Recorded) -> None:
        if self.contract and recorded.host == "api":
            recorded.violations += self.contract.judge_answer(recorded)


def _note(recorded: Recorded, sent: Sent) -> None:
    recorded.answer_headers = sent.headers
    recorded.answer_body = sent.body
    recorded.answer = _content(sent.headers, sent.body)
    recorded.status = sent.status


def _content(headers: Mapping[str, str], body: bytes) -> Any:
    if headers.get("content-type", "").startswith("application/json"):
        try:
            return json.loads(body)
        except ValueError:
            return body
    return body


async def _send(sent: Sent, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers.items()]
    if sent.status not in {204, 304}:
        headers.append((b"content-length", str(len(sent.body)).encode()))
    await send({"type": "http.response.start", "status": sent.status, "headers": headers})
    await send({"type": "http.response.body", "body": sent.body})
