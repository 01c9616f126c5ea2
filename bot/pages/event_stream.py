"""A run as server-sent events: its output, its changes, its end.

    output   the next whole lines, a JSON string; the event's id is where to go on, in bytes of the output
    line     the line that is being written, as it stands, a JSON string; the next `line` or `output` takes its place
    run      how the run stands, a JSON object
    end      nothing more will come

Whoever loses the connection goes on with the last id and misses nothing. A reader who is gone, who takes nothing for
a while, or a server that is to stop ends the stream; so do runs that cannot be read for the moment. Each is free to
come back. The number of streams is bounded, in all and for each run.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any, Final, assert_never
from uuid import UUID

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bot.pages.output import Lines
from bot.pages.port import Unavailable
from bot.runs.piece import Piece
from bot.runs.run import Run

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy takes the connection for dead."""
TAKEN_WITHIN: Final = 60.0
LIMIT: Final = 200
LIMIT_OF_RUN: Final = 50
"""So that whoever has the link of one run cannot take the streams of all others."""
RETRY_AFTER: Final = 10
"""Seconds that a reader is told to wait when there are too many."""
_RETRY = b"retry: 2000\n\n"
_SILENCE = b": still here\n\n"


class Streams:
    """The streams that are open.

    Args:
        limit, limit_of_run: how many there may be, in all and of one run.

    Attributes:
        closing: set once they are to end.
    """

    def __init__(self, limit: int = LIMIT, limit_of_run: int = LIMIT_OF_RUN) -> None:
        self._limit, self._limit_of_run = limit, limit_of_run
        self._open = Counter[UUID]()
        self.closing = asyncio.Event()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._open.total()

    def is_full(self, run_id: UUID) -> bool:
        """Whether another one of this run has to be refused."""
        return self.count >= self._limit or self._open[run_id] >= self._limit_of_run or self.closing.is_set()

    def close(self) -> None:
        """End them all, and admit no more."""
        self.closing.set()

    @contextmanager
    def admitted(self, run_id: UUID) -> Iterator[None]:
        """One stream, for as long as the context lasts."""
        self._open[run_id] += 1
        try:
            yield
        finally:
            self._open[run_id] -= 1
            self._open += Counter()  # drops the runs that have none any more


async def events(
    source: AsyncGenerator[Piece | Run, None],
    offset: int,
    shown: Callable[[Run], Mapping[str, Any]],
    heartbeat: float = HEARTBEAT,
) -> AsyncGenerator[bytes, None]:
    """The events of a run.

    Args:
        source: of `Runs.follow`; closed at the end.
        offset: in bytes of the output; what comes before it is known to the reader.
        shown: what a `run` event says of the run.
        heartbeat: seconds.
    """
    lines, unfinished = Lines(offset), ""
    yield _RETRY
    async with aclosing(_with_silences(source, heartbeat)) as items:
        async for item in items:
            match item:
                case None:
                    yield _SILENCE
                case Run():
                    yield _event("run", shown(item))
                case Piece():
                    if text := lines.feed(item):
                        unfinished = ""
                        yield _event("output", text, lines.offset)
                    if lines.unfinished != unfinished:
                        unfinished = lines.unfinished
                        yield _event("line", unfinished)
                case _:
                    assert_never(item)
    yield _event("end", "")


class EventStream(Response):
    """An answer that goes on until its events or its reader have come to an end."""

    media_type = "text/event-stream"

    def __init__(self, source: AsyncGenerator[bytes, None], streams: Streams, run_id: UUID) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._source = source
        self._streams = streams
        self._run_id = run_id

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.admitted(self._run_id):
            writing = asyncio.create_task(self._write(send))
            gone = asyncio.create_task(_gone(receive))
            closing = asyncio.create_task(self._streams.closing.wait())
            try:
                await asyncio.wait([writing, gone, closing], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancelled(writing, gone, closing)
        takes_more = writing.cancelled() or writing.result()
        if takes_more and gone.cancelled():
            await _taken(send, {"type": "http.response.body", "body": b""})

    async def _write(self, send: Send) -> bool:
        """Send all of it; whether the reader takes more."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        async with aclosing(self._source) as source:
            await send(start)
            with suppress(Unavailable):
                async for chunk in source:
                    body = {"type": "http.response.body", "body": chunk, "more_body": True}
                    if not await _taken(send, body):
                        return False
        return True


def _event(name: str, data: object, number: int | None = None) -> bytes:
    # ASCII: no character of the data can be taken for the end of a line.
    text = json.dumps(data, separators=(",", ":"))
    named = f"event: {name}\ndata: {text}\n"
    return (named + ("\n" if number is None else f"id: {number}\n\n")).encode("ascii")


async def _with_silences[Item](
    source: AsyncGenerator[Item, None], after: float
) -> AsyncGenerator[Item | None, None]:
    """The items, and None whenever there was none for so many seconds."""
    waiting: asyncio.Future[Item | None] | None = None
    ended = False
    async with aclosing(source):
        try:
            while not ended:
                waiting = waiting or asyncio.ensure_future(anext(source, None))
                await asyncio.wait([waiting], timeout=after)
                if not waiting.done():
                    yield None
                    continue
                item, waiting = waiting.result(), None
                if item is None:
                    ended = True
                else:
                    yield item
        finally:
            if waiting is not None:
                await _cancelled(waiting)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _taken(send: Send, message: Message) -> bool:
    """Send it; False if the reader did not take it in time."""
    try:
        async with asyncio.timeout(TAKEN_WITHIN):
            await send(message)
    except TimeoutError:
        return False
    return True


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
