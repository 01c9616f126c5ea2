"""The page of one run and its log, for whoever has the run's capability.

Without it, or with that of another run, nothing can be told from a run that does not exist. All that is shown is
data: escaped, freed of terminal control.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.pages.capability import capability_of, is_any_capability
from bot.pages.event_stream import EventStream, Streams, events
from bot.pages.github_links import Links
from bot.pages.output import Lines, text_of
from bot.pages.port import Runs, Unavailable
from bot.pages.run_view import RunView, run_view
from bot.pages.site import Site
from bot.runs.run import Run

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OFFSET = re.compile(r"[0-9]{1,15}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

Answer = Callable[[Request, Run], Awaitable[Response]]


@dataclass(frozen=True)
class RunPages:
    """The pages of runs.

    Attributes:
        keys: of the capabilities; the first one makes them, each is good.
        clock: gives Unix time in seconds.
    """

    runs: Runs
    site: Site
    links: Links
    keys: Sequence[bytes]
    streams: Streams
    clock: Callable[[], float]

    def routes(self) -> list[Route]:
        """The page, and the log as events or as a file."""
        return [
            Route("/runs/{id}", self._for_bearer(self._page)),
            Route("/runs/{id}/log", self._for_bearer(self._log)),
        ]

    def view(self, run: Run) -> RunView:
        """What the page of the run shows now."""

        def page_of_retried(run: Run) -> str:
            return self.address(run.retry_of) if run.retry_of else ""

        return run_view(run, self.links, page_of_retried, self.clock())

    def address(self, run_id: UUID, path: str = "", **more: str) -> str:
        """The address of a run's page, or of what is below it, on this host and with the capability."""
        query = urlencode({"k": capability_of(self.keys[0], run_id), **more})
        return f"{self.site.prefix}/runs/{run_id}{path}?{query}"

    def _for_bearer(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = request.path_params["id"]
            if not _ID.fullmatch(given):
                return self.site.error(404)
            run_id = UUID(given)
            if not is_any_capability(self.keys, run_id, request.query_params.get("k", "")):
                return self.site.error(404)
            try:
                run = await self.runs.run(run_id)
                return self.site.error(404) if run is None else await answer(request, run)
            except Unavailable:
                return self.site.error(503)

        return endpoint

    async def _page(self, _request: Request, run: Run) -> Response:
        text, lines = await self._text(run)
        return self.site.page(
            "run.html",
            view=self.view(run),
            output=text,
            unfinished=lines.unfinished,
            offset=lines.offset,
            log=self.address(run.id, "/log"),
            download=self.address(run.id, "/log", download="1"),
        )

    async def _log(self, request: Request, run: Run) -> Response:
        if request.query_params.get("download"):
            return await self._download(run)
        if request.method == "HEAD":
            return Response(media_type=EventStream.media_type)
        if self.streams.is_full(run.id):
            return self.site.error(503)
        offset = _offset(request)
        told = events(self.runs.follow(run.id, offset), offset, self._shown)
        return EventStream(told, self.streams, run.id)

    async def _download(self, run: Run) -> Response:
        text, lines = await self._text(run)
        name = _UNSAFE.sub("-", run.automation).strip("-.")[:100] or "run"
        disposition = f'attachment; filename="{name}-{str(run.id)[:8]}.log"'
        return PlainTextResponse(text + lines.unfinished, headers={"Content-Disposition": disposition})

    async def _text(self, run: Run) -> tuple[str, Lines]:
        # A megabyte takes a tenth of a second, and webhooks do not wait for it.
        return await asyncio.to_thread(text_of, await self.runs.output(run.id))

    def _shown(self, run: Run) -> Mapping[str, Any]:
        view = self.view(run)
        verdict = view.verdict
        return {
            "state": run.state,
            "conclusion": run.end.conclusion if run.end else None,
            "reason": verdict.reason or None,
            "sentence": verdict.sentence,
            "title": f"{verdict.mark} {view.title} · {view.subject}",
            "tone": verdict.tone,
            "elapsed": round(view.elapsed, 1),
            "ticking": view.ticking,
            "html": {
                part: self.site.text(f"run/{part}.html", view=view) for part in ("verdict", "facts", "report")
            },
        }


def _offset(request: Request) -> int:
    """Where the reader goes on; a browser that comes back says it in the header."""
    for given in (request.headers.get("Last-Event-ID", ""), request.query_params.get("from", "")):
        if _OFFSET.fullmatch(given):
            return int(given)
    return 0
