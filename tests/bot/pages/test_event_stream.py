"""Live output arrives as it comes, once, in whole lines; streams end with their run, their reader or the server."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import httpx
import pytest

from bot.pages import event_stream
from bot.pages.event_stream import Streams, events
from bot.runs.piece import Piece
from bot.runs.run import Run, State
from tests.bot.pages.kept_runs import FAILURE, ID, RUN, KeptRuns, app, browser, ended, kept, page
from tests.bot.pages.serving import served

WITHIN = 10.0
LOG = page(path="/log")


@dataclass(frozen=True)
class Event:
    name: str
    data: object
    id: str = ""


def parsed(block: str) -> Event | None:
    fields: dict[str, str] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    return (
        Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
        if "event" in fields
        else None
    )


def all_of(text: str) -> list[Event]:
    assert text.endswith("\n\n")
    return [event for block in text[:-2].split("\n\n") if (event := parsed(block))]


class Reader:
    """Reads events of an open answer one by one."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._chunks = answer.aiter_text()
        self._text = ""

    async def next(self) -> Event:
        async with asyncio.timeout(WITHIN):
            while True:
                block, found, rest = self._text.partition("\n\n")
                if not found:
                    self._text += await anext(self._chunks)
                    continue
                self._text = rest
                if event := parsed(block):
                    return event

    async def ended(self) -> bool:
        """Whether the answer ends without another event."""
        try:
            await self.next()
        except StopAsyncIteration:
            return True
        return False


@asynccontextmanager
async def reading(url: str, **headers: str) -> AsyncIterator[Reader]:
    async with (
        httpx.AsyncClient(trust_env=False, timeout=WITHIN) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        yield Reader(answer)


async def until_nobody_follows(runs: KeptRuns) -> None:
    async with asyncio.timeout(WITHIN):
        while runs.followers:
            await asyncio.sleep(0.005)


async def test_a_run_that_has_ended_is_told_whole() -> None:
    runs = kept(ended(end=FAILURE))
    runs.write(b"one\ntwo\nthr")
    async with browser(runs) as client:
        answer = await client.get(LOG)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    output, line, run, end = all_of(answer.text)
    assert output == Event("output", "one\ntwo\n", "8")
    assert line == Event("line", "thr")
    assert isinstance(run.data, dict)
    assert run.data["state"] == "ended"
    assert (run.data["conclusion"], run.data["reason"]) == ("failure", "exit-code")
    assert FAILURE.sentence in run.data["html"]["verdict"]
    assert end.name == "end"


@pytest.mark.parametrize(
    ("query", "headers", "offset"),
    [
        ("", {}, 0),
        ("&from=4", {}, 4),
        ("&from=4", {"Last-Event-ID": "8"}, 8),
        ("", {"Last-Event-ID": "-1"}, 0),
        ("&from=x", {"Last-Event-ID": "\u00e9"}, 0),
        ("&from=99999999999999999999", {}, 0),
        ("&from=5000", {}, 5000),
    ],
)
async def test_a_reader_goes_on_where_it_was(query: str, headers: dict[str, str], offset: int) -> None:
    runs = kept(ended())
    runs.write(b"one\ntwo\nthree\n")
    async with browser(runs) as client:
        answer = await client.get(
            LOG + query, headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        )
    assert runs.asked == [offset]
    text = "".join(str(event.data) for event in all_of(answer.text) if event.name == "output")
    assert text == "one\ntwo\nthree\n"[offset:]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_no_cut_of_the_output_shows(size: int) -> None:
    runs = kept(ended())
    runs.chunk = size
    runs.write("\u00e9\U0001f389 \x1b[31mred\x1b[0m\r\n50 %\rdone\nlast \U0001f389".encode())
    async with browser(runs) as client:
        told = all_of((await client.get(LOG)).text)
    assert (
        "".join(str(event.data) for event in told if event.name == "output") == "\u00e9\U0001f389 red\ndone\n"
    )
    assert [event.data for event in told if event.name == "line"][-1] == "last \U0001f389"
    assert not [event for event in told if "\ufffd" in str(event.data)]


async def test_what_looks_like_an_event_is_data() -> None:
    runs = kept(ended())
    runs.write(b"x\n\nevent: end\ndata: 1\n\n\r\rid: 9\n")
    async with browser(runs) as client:
        told = all_of((await client.get(LOG)).text)
    assert [event.name for event in told] == ["output", "run", "end"]
    assert told[0].data == "x\n\nevent: end\ndata: 1\n\nid: 9\n"


async def test_lines_and_verdict_arrive_while_it_is_open() -> None:
    runs = kept(RUN)
    async with served(app(runs)) as url, reading(url + LOG) as reader:
        assert (await reader.next()).name == "run"
        runs.write(b"first\n")
        assert await reader.next() == Event("output", "first\n", "6")
        runs.write(b"10 %")
        assert await reader.next() == Event("line", "10 %")
        runs.write(b"\r20 %")
        assert await reader.next() == Event("line", "20 %")
        runs.write(b"\rdone\n20 %")
        assert await reader.next() == Event("output", "done\n", "21")
        assert await reader.next() == Event("line", "20 %")
        runs.put(replace(RUN, state=State.CONCLUDING, end=FAILURE))
        said = (await reader.next()).data
        assert isinstance(said, dict)
        assert (said["state"], said["conclusion"], said["tone"]) == ("concluding", "failure", "bad")
        runs.put(ended(end=FAILURE))
        assert [(await reader.next()).name, (await reader.next()).name] == ["run", "end"]
        assert await reader.ended()
    assert runs.followers == 0


async def test_a_lost_connection_goes_on_without_a_gap() -> None:
    runs = kept(RUN)
    runs.write(b"one\ntw")
    async with served(app(runs)) as url:
        async with reading(url + LOG) as reader:
            first = await reader.next()
        await until_nobody_follows(runs)
        runs.write(b"o\nthree\n")
        async with reading(url + LOG, **{"Last-Event-ID": first.id}) as reader:
            assert await reader.next() == Event("line", "tw")
            assert await reader.next() == Event("output", "two\nthree\n", "14")


async def test_a_reader_who_leaves_is_followed_by_nobody() -> None:
    runs, streams = kept(RUN), Streams()
    async with served(app(runs, streams=streams)) as url:
        async with reading(url + LOG) as reader:
            await reader.next()
            assert (runs.followers, streams.count) == (1, 1)
        await until_nobody_follows(runs)
        async with asyncio.timeout(WITHIN):
            while streams.count:
                await asyncio.sleep(0.005)


@pytest.mark.parametrize("limits", [{"limit": 1}, {"limit_of_run": 1}], ids=["in all", "of one run"])
async def test_there_are_no_more_streams_than_there_may_be(limits: dict[str, int]) -> None:
    runs, streams = kept(RUN), Streams(**limits)
    async with served(app(runs, streams=streams)) as url:
        async with reading(url + LOG) as reader:
            await reader.next()
            async with reading(url + LOG) as refused:
                assert refused.answer.status_code == 503
                assert int(refused.answer.headers["Retry-After"]) > 0
        await until_nobody_follows(runs)
        async with reading(url + LOG) as reader:
            assert (await reader.next()).name == "run"


def test_one_run_cannot_take_the_streams_of_all() -> None:
    streams = Streams(limit=3, limit_of_run=2)
    with streams.admitted(ID), streams.admitted(ID):
        assert streams.is_full(ID)
        assert not streams.is_full(uuid4())
    assert not streams.is_full(ID)


async def test_a_server_that_is_to_stop_ends_them() -> None:
    runs, streams = kept(RUN), Streams()
    async with served(app(runs, streams=streams)) as url, reading(url + LOG) as reader:
        await reader.next()
        streams.close()
        assert await reader.ended()
        async with reading(url + LOG) as refused:
            assert refused.answer.status_code == 503
    assert (runs.followers, streams.count) == (0, 0)


async def test_runs_that_cannot_be_read_any_more_end_it_without_a_word() -> None:
    runs = kept(RUN)
    async with served(app(runs)) as url, reading(url + LOG) as reader:
        await reader.next()
        runs.lose()
        assert await reader.ended()


async def test_a_look_at_the_headers_opens_no_stream() -> None:
    runs = kept(RUN)
    async with browser(runs) as client:
        answer = await client.head(LOG)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert runs.asked == []


async def test_silence_is_broken() -> None:
    async def silent() -> AsyncGenerator[Piece | Run, None]:
        await asyncio.sleep(0.1)
        yield Piece(0, b"after all\n")

    async with aclosing(events(silent(), 0, lambda _: {}, heartbeat=0.02)) as told:
        said = [chunk async for chunk in told]
    silences = said.count(b": still here\n\n")
    assert silences >= 2
    assert [event.name for event in all_of(b"".join(said).decode())] == ["output", "end"]


async def test_a_reader_who_takes_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "TAKEN_WITHIN", 0.05)
    runs, streams = kept(RUN), Streams()
    runs.write(b"x" * 5_000 + b"\n")

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    source = events(runs.follow(ID, 0), 0, lambda _: {})
    stream = event_stream.EventStream(source, streams, ID)
    async with asyncio.timeout(WITHIN):
        await stream({}, receive, send)  # type: ignore[arg-type]
    assert (runs.followers, streams.count) == (0, 0)
