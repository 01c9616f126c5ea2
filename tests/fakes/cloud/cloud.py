"""The fake Cloud: an API for sandboxes, a ledger of them, and faults that happen when a story wants them to."""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.cloud.faults import Fault, Faults
from tests.fakes.cloud.gate import Gate
from tests.fakes.github.edge import TRANSPORT
from tests.fakes.github.serving import Serving
from tests.servers import RealServer

KEY = "the-cloud-key-of-tests"
SPEC = "agent-server:1.58.0-python"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def _word(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass
class Box:
    """One sandbox.

    Attributes:
        by: who made it: "us", or somebody else.
        status: None while it comes up by itself.
        runs_at: when it does.
        deleted_at: None while it is there.
        is_kept: it is to stay; stories say so.
    """

    id: str
    gate: Gate
    by: str
    created_at: float
    runs_at: float
    status: str | None = None
    detail: str | None = None
    deleted_at: float | None = None
    is_kept: bool = False

    @property
    def now(self) -> str:
        if self.deleted_at is not None:
            return "MISSING"
        return self.status or ("RUNNING" if time.time() >= self.runs_at else "STARTING")

    def shown(self) -> dict[str, Any]:
        is_running = self.now == "RUNNING"
        address = {
            "name": "AGENT_SERVER",
            "url": f"http://127.0.0.1:{self.gate.port}",
            "port": self.gate.port,
        }
        editor = {"name": "VSCODE", "url": "http://127.0.0.1:9", "port": 9}
        shown = {
            "id": self.id,
            "created_by_user_id": None,
            "sandbox_spec_id": SPEC,
            "status": self.now,
            "session_api_key": self.gate.key if is_running else None,
            "exposed_urls": [editor, address] if is_running else None,
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat().replace("+00:00", "Z"),
        }
        return shown | ({"status_detail": self.detail} if self.detail else {})


@dataclass
class FakeCloud:
    """Serves until it is closed.

    Attributes:
        key: None for a server that asks for none; auth: how it wants it.
        starts_in: seconds from a request to a sandbox that runs; takes: that each request takes.
        secrets: names that the account keeps for its sandboxes; None for an app server without users.
        calls: when, which operation, on which sandbox.
        fails: what the next sandboxes fail with, one after the other.
        gate_fault: told the first line of each request to a sandbox; True ends its connection there.
    """

    server: RealServer
    key: str | None = KEY
    auth: str = "bearer"
    starts_in: float = 0.0
    takes: float = 0.0
    secrets: tuple[str, ...] | None = None
    boxes: list[Box] = field(default_factory=list)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)
    gate_fault: Callable[[str], bool] = lambda _: False
    _faults: Faults = field(default_factory=Faults)
    _serving: Serving = field(default_factory=lambda: Serving(0))

    def __enter__(self) -> Self:
        routes = [
            Route("/api/v1/sandboxes", self._create, methods=["POST"]),
            Route("/api/v1/sandboxes", self._get, methods=["GET"]),
            Route("/api/v1/sandboxes/search", self._search),
            Route("/api/v1/sandboxes/{id}/resume", self._resume, methods=["POST"]),
            Route("/api/v1/sandboxes/{id}", self._delete, methods=["DELETE"]),
            Route("/api/v1/sandboxes/{id}/settings/secrets", self._secrets),
            Route("/api/v1/sandbox-specs/search", self._specs),
        ]
        self._serving.start(Starlette(routes=routes), lambda: None)
        return self

    def __exit__(self, *_: object) -> None:
        self._on_loop(self._close_gates())
        self._serving.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._serving.ports[0]}"

    @property
    def left(self) -> list[str]:
        """Ids of our sandboxes that nobody has deleted."""
        return [box.id for box in self.boxes if box.by == "us" and box.deleted_at is None]

    def box(self, sandbox_id: str) -> Box:
        [found] = [box for box in self.boxes if box.id == sandbox_id]
        return found

    def fault(self, on: str, **given: Any) -> None:
        self._faults.pending.append(Fault(on, **given))

    def clear_faults(self) -> None:
        self._faults.pending.clear()
        self.fails.clear()
        self.gate_fault = lambda _: False

    def others(self) -> Box:
        """A sandbox that somebody else has made."""
        made: Box = self._on_loop(self._make("somebody else"))
        return made

    def rotate(self, sandbox_id: str) -> None:
        """A new key, as after a resume; whoever uses the old one is out."""
        box = self.box(sandbox_id)
        box.gate.key = _word(43)
        self._serving.loop.call_soon_threadsafe(box.gate.put_out)

    def pause(self, sandbox_id: str) -> None:
        box = self.box(sandbox_id)
        box.status = "PAUSED"
        self._on_loop(box.gate.close())

    def forget(self, sandbox_id: str) -> None:
        """It is gone, and nobody of us has deleted it."""
        box = self.box(sandbox_id)
        box.deleted_at = time.time()
        self._on_loop(box.gate.close())

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._serving.loop).result(10)

    def _stops(self, line: str) -> bool:
        return self.gate_fault(line)

    async def _close_gates(self) -> None:
        for box in self.boxes:
            await box.gate.close()

    async def _make(self, by: str) -> Box:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        gate = Gate(_word(43), port, self.server.key, self.server.port, self._stops)
        await gate.open()
        now = time.time()
        box = Box(_word(22), gate, by, now, now + self.starts_in)
        if by == "us" and self.fails:
            box.detail = self.fails.pop(0)
            box.status = "ERROR"
        self.boxes.append(box)
        return box

    async def _answer(self, request: Request, on: str, sandbox_id: str, act: Callable[[], Any]) -> Response:
        self.calls.append((time.time(), on, sandbox_id))
        await asyncio.sleep(self.takes)
        if self.key is not None and not self._is_admitted(request):
            return JSONResponse({"detail": "Unauthorized"}, 401)
        fault = self._faults.take(on)
        if fault is None:
            answer: Response = await act()
            return answer
        if fault.has_effect:
            await act()
        if fault.cut:
            request.scope["extensions"][TRANSPORT].abort()
        return Response(fault.body, fault.status, fault.headers, "application/json")

    def _is_admitted(self, request: Request) -> bool:
        headers = request.headers
        if self.auth == "bearer":
            return headers.get("Authorization") == f"Bearer {self.key}"
        return headers.get("X-Session-API-Key") == self.key

    async def _create(self, request: Request) -> Response:
        async def create() -> Response:
            if request.query_params.get("sandbox_spec_id", SPEC) != SPEC:
                return Response("Internal Server Error", 500, media_type="text/plain")
            return JSONResponse((await self._make("us")).shown())

        return await self._answer(request, "create", "", create)

    async def _get(self, request: Request) -> Response:
        wanted = request.query_params.getlist("id")

        async def get() -> Response:
            if not wanted:
                return JSONResponse({"detail": [{"type": "missing", "loc": ["query", "id"]}]}, 422)
            there = {box.id: box.shown() for box in self.boxes if box.deleted_at is None}
            return JSONResponse([there.get(each) for each in wanted])

        return await self._answer(request, "get", ",".join(wanted), get)

    async def _search(self, request: Request) -> Response:
        async def search() -> Response:
            there = [box for box in self.boxes if box.deleted_at is None]
            there.sort(key=lambda box: box.created_at, reverse=True)
            begin, limit = int(request.query_params.get("page_id", "0")), int(request.query_params["limit"])
            following = str(begin + limit) if begin + limit < len(there) else None
            items = [box.shown() for box in there[begin : begin + limit]]
            return JSONResponse({"items": items, "next_page_id": following})

        return await self._answer(request, "search", "", search)

    async def _resume(self, request: Request) -> Response:
        sandbox_id = request.path_params["id"]

        async def resume() -> Response:
            found = [box for box in self.boxes if box.id == sandbox_id and box.deleted_at is None]
            if not found:
                return JSONResponse({"detail": "Not Found"}, 404)
            found[0].status = None
            found[0].gate.key = _word(43)
            await found[0].gate.open()
            return JSONResponse({"success": True})

        return await self._answer(request, "resume", sandbox_id, resume)

    async def _delete(self, request: Request) -> Response:
        sandbox_id = request.query_params.get("sandbox_id")

        async def delete() -> Response:
            if sandbox_id is None:
                return JSONResponse({"detail": [{"type": "missing", "loc": ["query", "sandbox_id"]}]}, 422)
            found = [box for box in self.boxes if box.id == sandbox_id and box.deleted_at is None]
            if not found:
                return JSONResponse({"detail": "Not Found"}, 404)
            found[0].deleted_at = time.time()
            await found[0].gate.close()
            return JSONResponse({"success": True})

        return await self._answer(request, "delete", sandbox_id or "", delete)

    async def _secrets(self, request: Request) -> Response:
        """Asked with the sandbox's own key, by whoever has it."""
        sandbox_id = request.path_params["id"]
        self.calls.append((time.time(), "secrets", sandbox_id))
        if fault := self._faults.take("secrets"):
            return Response(fault.body, fault.status, fault.headers, "application/json")
        found = [box for box in self.boxes if box.id == sandbox_id and box.deleted_at is None]
        is_known = bool(found) and request.headers.get("X-Session-API-Key") == found[0].gate.key
        if not is_known or "Authorization" in request.headers or self.secrets is None:
            return JSONResponse({"detail": "Unauthorized"}, 401)
        return JSONResponse({"secrets": [{"name": name, "description": None} for name in self.secrets]})

    async def _specs(self, request: Request) -> Response:
        async def specs() -> Response:
            return JSONResponse({"items": [{"id": SPEC}], "next_page_id": None})

        return await self._answer(request, "specs", "", specs)
