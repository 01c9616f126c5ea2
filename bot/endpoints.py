"""What machines ask of the bot beside the webhook: callbacks of runs, health, metrics, the SDK's version."""

import asyncio
import hmac
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from automation.agent_server import AgentServer
from automation.errors import AutomationError
from bot.bot import Bot
from bot.callback import is_token
from bot.completion import Completion
from bot.github.installations import APP
from bot.inbox import Inbox
from bot.readiness import Readiness
from bot.runs.driver import Driver
from bot.runs.said import note_of
from bot.store.errors import DatabaseUnavailable

LIMIT = 64 * 1024
FRESH = 60.0
"""Seconds that an answer of the agent-server is given to all who ask: anybody may."""


def endpoints(bot: Bot, driver: Driver, inbox: Inbox) -> list[Route]:
    """The routes."""
    here = _Endpoints(bot, driver, inbox, _SdkVersion(bot), Readiness(bot, driver, inbox))
    return [
        Route("/healthz", here.health, methods=["GET"]),
        Route("/readyz", here.ready, methods=["GET"]),
        Route("/metrics", here.metrics, methods=["GET"]),
        Route("/api/v1/sdk-version", here.sdk_version, methods=["GET"]),
        Route("/api/v1/runs/{id:uuid}/complete", here.complete, methods=["POST"]),
    ]


@dataclass
class _SdkVersion:
    """The SDK's version on the agent-server, asked for once in a while."""

    bot: Bot
    _known: str | None = None
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self) -> str | None:
        """The version, None where the server does not answer."""
        async with self._asking:
            if time.monotonic() >= self._until:
                self._known = await self._ask()
                self._until = time.monotonic() + FRESH
        return self._known

    async def _ask(self) -> str | None:
        try:
            async with AgentServer(self.bot.agent_server(is_fork=False)) as server:
                return str((await server.info()).get("sdk_version", ""))
        except AutomationError:
            return None


@dataclass(frozen=True)
class _Endpoints:
    bot: Bot
    driver: Driver
    inbox: Inbox
    sdk: _SdkVersion
    readiness: Readiness

    async def health(self, _: Request) -> Response:
        """The process lives."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """Whether deliveries may be sent here, and what is wrong with it."""
        troubles = await self.readiness.troubles()
        is_ready = all(each.is_warning for each in troubles)
        causes = [
            {
                "cause": each.cause,
                "severity": "warning" if each.is_warning else "error",
                "sentence": each.sentence,
            }
            for each in troubles
        ]
        document = {"ready": is_ready, "causes": causes}
        return JSONResponse(document, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(self, request: Request) -> Response:
        """For whoever has the operator's token; nobody else can tell that there is something."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = self.bot.settings.operator_token
        if not token or not hmac.compare_digest(given.encode(), token.encode()):
            return PlainTextResponse("Not Found\n", status_code=404)
        metrics, store, now = self.bot.metrics, self.bot.store, self.bot.clock.now()
        metrics.deliveries_waiting.set(self.inbox.waiting)
        metrics.tasks.set(len(asyncio.all_tasks()))
        metrics.troubled({each.cause for each in await self.readiness.troubles()})
        left = self.bot.installations.remaining()
        metrics.remaining({"app" if number == APP else str(number): each for number, each in left.items()})
        with suppress(DatabaseUnavailable):
            for gauge, since in (
                (metrics.requests_oldest, await store.requests.oldest()),
                (metrics.runs_oldest, await store.run_lists.oldest_queued()),
            ):
                gauge.set(0 if since is None else max(now - since, 0))
        return Response(self.bot.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def sdk_version(self, _: Request) -> Response:
        """The SDK's version on the agent-server, as OpenHands' service tells it."""
        version = await self.sdk.get()
        if version is None:
            return JSONResponse({"detail": "the agent-server does not answer"}, status_code=503)
        return JSONResponse({"version": version})

    async def complete(self, request: Request) -> Response:
        """A run says that it is done: look at it now."""
        run_id = UUID(str(request.path_params["id"]))
        keys = self.bot.vault.derive_all("callbacks")
        if not is_token(keys, run_id, request.query_params.get("t", "")):
            return JSONResponse({"detail": "Not found"}, status_code=404)
        completion = Completion.read(await _document(request))
        if completion is None:
            expected = 'expected a JSON object with "status": "COMPLETED" or "FAILED"'
            return JSONResponse({"detail": expected}, status_code=422)
        try:
            run = await self.bot.store.runs.get(run_id)
            if run is None:
                return JSONResponse({"detail": "Not found"}, status_code=404)
            if run.is_over:
                detail = f"Run is {run.state.value}, expected running"
                return JSONResponse({"detail": detail}, status_code=409)
            if completion.has_failed:
                said = replace(completion, error=self.bot.redactor.text(completion.error))
                await self.bot.store.facts.put(f"completion {run_id}", note_of(said))
        except DatabaseUnavailable:
            return JSONResponse({"detail": "try again"}, status_code=503)
        self.driver.wake(run_id)
        return JSONResponse({"id": str(run_id), "status": "RUNNING"})


async def _document(request: Request) -> object:
    """The body as JSON; None for what is none, or too much of it."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LIMIT:
                return None
        return json.loads(body)
    except (ClientDisconnect, ValueError, RecursionError):
        return None
