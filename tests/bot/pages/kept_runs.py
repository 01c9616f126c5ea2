"""Runs in memory, told to go on by a test, and an application that shows them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette

from automation.reasons import Conclusion, Reason
from bot.pages.capability import capability_of
from bot.pages.event_stream import Streams
from bot.pages.port import DayCount, Deed, RunFilter, Unavailable
from bot.pages.routes import routes
from bot.runs.piece import Piece
from bot.runs.run import End, Run, State, Station

KEY = b"a key for tests only"
OLD_KEY = b"the key before it"
TOKEN = "the-operators-token"
NOW = 1_795_418_400.0  # 2026-11-23 07:20 UTC
ID = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
SHA = "0123456789abcdef0123456789abcdef01234567"
SUCCESS = End(Conclusion.SUCCESS, Reason.OK, "succeeded in 0.9 s", 0)
FAILURE = End(Conclusion.FAILURE, Reason.EXIT_CODE, "the automation failed: exit code 3", 3)
RUN = Run(
    id=ID,
    repository="octo/demo",
    installation=1,
    automation="changelog-guard",
    name="Changelog guard",
    definition_sha="f" * 40,
    head_sha=SHA,
    head_ref="feature",
    pull_request=7,
    actor="octocat",
    cause="issue_comment.created",
    comment_id=99,
    state=State.RUNNING,
    check_id=77,
    check_url="https://github.com/octo/demo/runs/77",
    accepted_at=NOW - 12,
    started_at=NOW - 10,
    stations=(
        Station("connect", NOW - 10),
        Station("upload", NOW - 9.9, "650 KiB"),
        Station("run", NOW - 9),
    ),
)


def ended(run: Run = RUN, end: End = SUCCESS) -> Run:
    return replace(run, state=State.ENDED, end=end, ended_at=NOW)


@dataclass
class KeptRuns:
    """`Runs` for a test, which changes them with `put`, `write` and `lose`.

    Attributes:
        asked: the offsets that were followed from; followers: how many there are now.
        is_down: nothing can be read.
    """

    runs: dict[UUID, Run] = field(default_factory=dict)
    outputs: dict[UUID, list[Piece]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    filters: list[RunFilter] = field(default_factory=list)
    followers: int = 0
    is_down: bool = False
    chunk: int = 1 << 20
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[Deed] = field(default_factory=list)

    def put(self, run: Run) -> None:
        self.runs[run.id] = run
        self._tell()

    def write(self, data: bytes, run_id: UUID = ID, start: int | None = None) -> None:
        pieces = self.outputs.setdefault(run_id, [])
        end = pieces[-1].end if pieces else 0
        pieces.append(Piece(end if start is None else start, data))
        self._tell()

    def lose(self) -> None:
        self.is_down = True
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def _up(self) -> None:
        if self.is_down:
            raise Unavailable

    async def run(self, run_id: UUID) -> Run | None:
        self._up()
        return self.runs.get(run_id)

    async def output(self, run_id: UUID) -> Sequence[Piece]:
        self._up()
        return list(self.outputs.get(run_id, []))

    async def follow(self, run_id: UUID, offset: int) -> AsyncGenerator[Piece | Run, None]:
        self.asked.append(offset)
        self.followers += 1
        told: Run | None = None
        try:
            while True:
                self._up()
                changed, run = self.changed, self.runs[run_id]
                for piece in [each for each in self.outputs.get(run_id, []) if each.end > offset]:
                    for at in range(0, len(piece.data), self.chunk):
                        yield Piece(piece.start + at, piece.data[at : at + self.chunk])
                    offset = piece.end
                if run != told:
                    told = run
                    yield run
                if run.state is State.ENDED:
                    return
                await changed.wait()
        finally:
            self.followers -= 1

    async def recent(self, wanted: RunFilter, before: float | None, limit: int) -> Sequence[Run]:
        self._up()
        self.filters.append(wanted)
        newest = sorted(self.runs.values(), key=lambda run: run.accepted_at, reverse=True)
        return [run for run in newest if before is None or run.accepted_at < before][:limit]

    async def per_day(self, days: int) -> Sequence[DayCount]:
        self._up()
        counts: dict[date, list[bool]] = {}
        for run in self.runs.values():
            failed = run.end is not None and run.end.conclusion is not Conclusion.SUCCESS
            counts.setdefault(datetime.fromtimestamp(run.accepted_at, UTC).date(), []).append(failed)
        return [DayCount(day, len(each), sum(each)) for day, each in counts.items()]

    async def deeds(self) -> Sequence[Deed]:
        self._up()
        return self.done


def kept(*runs: Run) -> KeptRuns:
    return KeptRuns({run.id: run for run in runs})


def app(runs: KeptRuns, **settings: Any) -> Starlette:
    """An application with nothing but the pages."""
    given: dict[str, Any] = {
        "capability_keys": [KEY, OLD_KEY],
        "operator_token": TOKEN,
        "public_url": "http://bot.test",
        "github_url": "https://github.com",
        "streams": Streams(),
        "clock": lambda: NOW,
    }
    return Starlette(routes=routes(runs, **(given | settings)))


def browser(runs: KeptRuns, **settings: Any) -> httpx.AsyncClient:
    """A client of the application, without a socket."""
    transport = httpx.ASGITransport(app(runs, **settings))
    return httpx.AsyncClient(transport=transport, base_url="http://bot.test", timeout=10)


def page(run_id: UUID = ID, path: str = "") -> str:
    return f"/runs/{run_id}{path}?k={capability_of(KEY, run_id)}"
