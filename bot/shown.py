"""The runs as the pages read them: from this process while they go on, from the store otherwise."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from uuid import UUID

from automation.reasons import Conclusion
from bot.pages.port import DayCount, Deed, RunFilter, Unavailable
from bot.runs.driver import Driver
from bot.runs.piece import Piece
from bot.runs.run import Run, State
from bot.runs.schedule import placed
from bot.store.errors import DatabaseUnavailable
from bot.store.store import Store

LOOKS_EVERY = 1.0


@dataclass(frozen=True)
class ShownRuns:
    """Implements `bot.pages.port.Runs`."""

    store: Store
    driver: Driver

    async def run(self, run_id: UUID) -> Run | None:
        if live := self.driver.live(run_id):
            return live.run
        with _readable():
            run = await self.store.runs.get(run_id)
            if run is None or run.state is not State.QUEUED:
                return run
            return placed(run, await self.store.runs.unfinished())

    async def output(self, run_id: UUID) -> Sequence[Piece]:
        if live := self.driver.live(run_id):
            return [Piece(start, data) for start, data in live.excerpt.since(0)]
        with _readable():
            kept = await self.store.outputs.of(run_id)
        if kept is None:
            return []
        pieces = (Piece(0, kept.head), Piece(kept.size - len(kept.tail), kept.tail))
        return [piece for piece in pieces if piece.data]

    async def follow(self, run_id: UUID, offset: int) -> AsyncGenerator[Piece | Run]:
        """Follow it through all that happens to it here: a wait for its turn, several drivers, its end."""
        shown: Run | None = None
        while True:
            if live := self.driver.live(run_id):
                async with aclosing(live.follow(offset)) as following:
                    async for news in following:
                        if isinstance(news, Piece):
                            offset = max(offset, news.end)
                        else:
                            shown = news
                        yield news
            run = await self.run(run_id)
            if run is None:
                return
            if run != shown:
                yield (shown := run)
            is_elsewhere = self.driver.live(run_id) is None
            if is_elsewhere and (run.is_ordered or run.state is State.ENDED):
                for piece in await self._beyond(run_id, offset):
                    yield piece
                    offset = piece.end
                if run.state is State.ENDED:
                    return
                self.driver.watch(run_id)
            await self.driver.news(LOOKS_EVERY)

    async def _beyond(self, run_id: UUID, offset: int) -> list[Piece]:
        """What is kept of the output that goes beyond a byte of it."""
        with _readable():
            if await self.store.outputs.size_of(run_id) <= offset:
                return []
        return [piece for piece in await self.output(run_id) if piece.end > offset]

    async def recent(self, wanted: RunFilter, before: float | None, limit: int) -> Sequence[Run]:
        with _readable():
            return await self.store.runs.recent(
                limit,
                repository=wanted.repository,
                automation=wanted.automation,
                actor=wanted.actor,
                state=wanted.state,
                conclusion=wanted.conclusion,
                before=before,
            )

    async def per_day(self, days: int) -> Sequence[DayCount]:
        with _readable():
            found = await self.store.run_lists.per_day(days, self.driver.bot.clock.now())
        return [DayCount(each.date, each.runs, _failed(each.conclusions)) for each in found]

    async def deeds(self) -> Sequence[Deed]:
        with _readable():
            return [Deed(each.at, each.sentence) for each in await self.store.deeds.last()]


def _failed(conclusions: dict[str, int]) -> int:
    return sum(count for name, count in conclusions.items() if name not in {"", Conclusion.SUCCESS})


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as error:
        raise Unavailable from error
