"""A run while it goes on, in this process: its newest state, its output, and who watches it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from automation.github.pace import pause_before_update
from automation.observation import Cause
from automation.output.excerpt import Excerpt
from automation.run.attention import Attention
from automation.run.progress import Phase
from automation.run.stop_request import StopRequest
from bot.runs.piece import Piece
from bot.runs.run import Run, Station


class LiveRun:
    """`Progress` for the bot.

    Args:
        unwatched: seconds between two readings of the output while nobody watches, by how many it has gone on for.
        now: Unix time in seconds.

    Attributes:
        run: as it is known now; `become` replaces it.
        excerpt: the output, redacted.
        attention: how often the output is read.
        stop: asks for its end.
    """

    def __init__(
        self,
        run: Run,
        unwatched: Callable[[float], float] = pause_before_update,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.run = run
        self._now = now
        self.excerpt = Excerpt()
        self.attention = Attention(unwatched=unwatched)
        self.stop = StopRequest()
        self.is_closed = False
        self._news = asyncio.Event()
        if run.stop_by:
            self.stop.ask(run.stop_by, Cause(run.stop_cause))

    def become(self, run: Run) -> None:
        self.run = run
        self._tell()

    def close(self) -> None:
        """Nothing more comes from here."""
        self.is_closed = True
        self._tell()

    def enter(self, phase: Phase, detail: str = "") -> None:
        station = Station(phase.value, self._now(), "" if phase is Phase.CONNECT else detail)
        is_started = self.run.is_started or phase is Phase.RUN
        self.become(replace(self.run, stations=(*self.run.stations, station), is_started=is_started))

    def output(self, data: bytes) -> None:
        self.excerpt.feed(data)
        self._tell()

    def note(self, sentence: str) -> None:
        pass

    @property
    def news(self) -> asyncio.Event:
        """Set as soon as anything is other than it is now."""
        return self._news

    async def follow(self, offset: int) -> AsyncGenerator[Piece | Run]:
        """The run, and its output from a byte on, as they come; until it is closed."""
        shown: Run | None = None
        with self.attention.watching():
            while True:
                news = self._news
                if self.run is not shown:
                    yield (shown := self.run)
                for start, data in self.excerpt.since(offset):
                    yield Piece(start, data)
                    offset = start + len(data)
                if self.is_closed and self.run is shown and offset >= self.excerpt.total:
                    return
                if self._news is news:
                    await news.wait()

    def _tell(self) -> None:
        """Wake everybody who waits; whoever looks later waits for the next news."""
        news, self._news = self._news, asyncio.Event()
        news.set()
