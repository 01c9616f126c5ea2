"""What a run has left is read as far as it can be, its output from the end and without secrets, and never holds up a verdict."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx

from automation.agent_server import AgentServer
from automation.connection import AgentConnection
from automation.errors import ServerUnavailable
from automation.observation import Observation, Presence, Process
from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.run import aftermath
from automation.run.aftermath import Aftermath, read_aftermath
from automation.run.commands import Look

URL = "http://agents.example:8000"
RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
DIRECTORY = f"/workspaces/automation-runs/{RUN}"
GONE = Look(Process.GONE, True, 0, DIRECTORY, 1_800_000_100, 1_800_000_000, "")
SECRET = "hunter2-and-more"
NO_FILE = httpx.Response(400, json={"detail": "Path is not a file"})


class Pieces(httpx.AsyncByteStream):
    """A body that comes bit by bit."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content = content
        self.size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.content), self.size):
            yield self.content[at : at + self.size]


class Disk:
    """A server's files, as its download endpoint gives them out; `answers` for those that have another answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, httpx.Response | Exception] = {}
        self.read: list[tuple[str, str]] = []
        self.piece = 64 * 1024

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.params["path"].removeprefix(f"{DIRECTORY}/")
        given_range = request.headers.get("range", "")
        self.read.append((name, given_range))
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        if name not in self.files:
            return httpx.Response(404, json={"detail": "not found"})
        content = self.files[name]
        if not given_range:
            return httpx.Response(200, content=content)
        begin = int(given_range.removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content):
            return httpx.Response(416)
        return httpx.Response(206, stream=Pieces(content[begin:], self.piece))

    def status(self, **changes: Any) -> None:
        document = {
            "version": 1,
            "run": RUN,
            "cause": "exited",
            "phase": "entrypoint",
            "exit_code": 3,
            "started": 1_800_000_000,
            "ended": 1_800_000_004,
            "milliseconds": 4210,
            "output": len(self.files.get("output.log", b"")),
            "result": "none",
            "summary": "none",
            "log": "none",
            "left": False,
        }
        self.files["status.json"] = json.dumps(document | changes).encode() + b"\n"

    def output(self, content: bytes) -> None:
        self.files["output.log"] = content
        self.status()


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    with respx.mock(assert_all_called=False) as edge:
        edge.get(f"{URL}/api/file/download").mock(side_effect=disk)
        yield disk


@pytest.fixture
async def server() -> AsyncIterator[AgentServer]:
    async with AgentServer(AgentConnection(URL, "s3ssion-k3y")) as server:
        yield server


async def left_of(server: AgentServer, now: Look = GONE, secrets: tuple[str, ...] = ()) -> Aftermath:
    return await read_aftermath(server, now, Redactor(secrets))


async def test_everything_is_read(server: AgentServer, disk: Disk) -> None:
    disk.output(b"hello\nError: broken\n")
    disk.status(result="file", summary="file")
    disk.files |= {"result.json": b'{"title": "t"}', "summary.md": b"# s"}
    left = await left_of(server)
    assert left.seen.status_line == disk.files["status.json"].decode()
    assert left.seen.status is not None
    assert left.seen.status.exit_code == 3
    assert (left.seen.result, left.seen.summary) == (b'{"title": "t"}', b"# s")
    assert (left.seen.process, left.seen.run) == (Process.GONE, RUN)
    assert left.output.text() == "hello\nError: broken\n"
    assert left.output.first_error == "Error: broken"


async def test_who_had_it_stopped_is_added(server: AgentServer, disk: Disk) -> None:
    disk.output(b"hello\n")
    left = await left_of(server)
    stopped = left.stopped_by("the workflow")
    assert stopped.seen == replace(left.seen, stopped_by="the workflow")
    assert stopped.output is left.output


def test_of_what_nobody_has_seen_there_is_nothing() -> None:
    seen = Observation(lost="no answer")
    nothing = Aftermath.nothing(seen)
    assert nothing.seen is seen
    assert nothing.output.text() == ""


@pytest.mark.parametrize("process", [Process.ALIVE, Process.NEVER_STARTED, Process.UNKNOWN])
async def test_what_has_not_ended_is_not_read(server: AgentServer, disk: Disk, process: Process) -> None:
    disk.output(b"hello\n")
    left = await left_of(server, replace(GONE, process=process))
    assert left.seen == Observation(process=process)
    assert disk.read == []


async def test_without_a_status_it_is_lost(server: AgentServer, disk: Disk) -> None:
    left = await left_of(server)
    assert left.seen == Observation(process=Process.GONE, run=RUN)


@pytest.mark.parametrize("status", [b"{}", b"nonsense", b"\xff", b'{"version": 2}'])
async def test_a_status_that_is_none_is_kept_for_the_verdict(
    server: AgentServer, disk: Disk, status: bytes
) -> None:
    disk.files["status.json"] = status
    left = await left_of(server)
    assert left.seen.status_line == status.decode("utf-8", "replace")
    assert left.seen.status is None


async def test_only_what_the_status_names_is_read(server: AgentServer, disk: Disk) -> None:
    disk.output(b"hello\n")
    disk.files |= {"result.json": b"{}", "summary.md": b"# s"}
    left = await left_of(server)
    assert (left.seen.result, left.seen.summary) == (None, None)
    assert {name for name, _ in disk.read} == {"status.json", "output.log"}


async def test_a_long_summary_is_cut(server: AgentServer, disk: Disk) -> None:
    disk.output(b"")
    disk.status(summary="file")
    disk.files["summary.md"] = b"x" * (aftermath.SMALL_FILE + 1)
    left = await left_of(server)
    assert left.seen.summary == b"x" * aftermath.SMALL_FILE


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
async def test_output_is_read_from_its_end(
    server: AgentServer, disk: Disk, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(aftermath, "SHOWN", 100)
    content = b"".join(b"%09d\n" % number for number in range(100))[:size]
    disk.output(content)
    text = (await left_of(server)).output.text()
    assert content.decode().endswith(text)
    assert len(text) <= 100 + Redactor([]).longest
    assert len(text) >= min(size, 100 - 10), "all that there is room for, up to a line"
    [given_range] = [given_range for name, given_range in disk.read if name == "output.log"]
    asked = int(given_range.removeprefix("bytes=").removesuffix("-"))
    assert asked <= max(size - 100, 0)
    assert size - asked <= 100 + Redactor([]).longest, "no more is read than is needed"


async def test_a_long_output_is_not_read_whole(server: AgentServer, disk: Disk) -> None:
    disk.output(b"x" * (aftermath.SHOWN * 3))
    await left_of(server, secrets=(SECRET,))
    [given_range] = [given_range for name, given_range in disk.read if name == "output.log"]
    assert int(given_range.removeprefix("bytes=").removesuffix("-")) > aftermath.SHOWN


def cuts(before: str, after: str, secret: str) -> Iterator[bytes]:
    """Outputs with a secret so far from their ends that every cut falls into it once, and beside it."""
    for distance in range(100 - 5, 100 + 4 * len(secret) + 5):
        yield f"{'-' * 400}{before}{secret}{(after * distance)[:distance]}".encode()


@pytest.mark.parametrize(
    ("piece", "before", "after"), [(7, "", "........\n"), (10_000, "\n", "\n........."), (10_000, "", ".")]
)
@pytest.mark.parametrize(
    ("secret", "written"),
    [
        (SECRET, SECRET),
        ("two\nlines-of-it", "two\nlines-of-it"),
        ("secret-in-base64", "c2VjcmV0LWluLWJhc2U2NA=="),
        ("secret in a URL?", "secret%20in%20a%20URL%3F"),
    ],
    ids=["plain", "two lines", "base64", "url"],
)
async def test_no_part_of_a_secret_is_left_where_the_output_is_cut(
    server: AgentServer,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    written: str,
    before: str,
    after: str,
    piece: int,
) -> None:
    monkeypatch.setattr(aftermath, "SHOWN", 100)
    disk.piece = piece
    parts = [written[at:] for at in range(len(written) - 5)]
    for content in cuts(before, after, written):
        disk.output(content)
        text = (await left_of(server, secrets=(secret,))).output.text()
        assert not [part for part in parts if part in text]


async def test_nor_of_a_token_of_any_length(
    server: AgentServer, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aftermath, "SHOWN", 1000)
    token = "ghs_123456_" + "t0ken" * 150
    for shift in (1, 100, 500, len(token) - 40):
        disk.output(b"-" * 5000 + token.encode() + b"." * (900 - shift) + b"\n" + b"," * 99)
        text = (await left_of(server)).output.text()
        assert "t0ken" not in text
        assert text.endswith("," * 99)


async def test_a_line_longer_than_all_that_is_shown_is_not_shown(
    server: AgentServer, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it begins is not known, so its beginning may be the rest of anything."""
    monkeypatch.setattr(aftermath, "SHOWN", 100)
    disk.output(b"x" * 1000)
    assert (await left_of(server)).output.text() == ""
    disk.output(b"x" * 1000 + b"\nlast\n")
    assert (await left_of(server)).output.text() == "last\n"


async def test_secrets_are_masked_where_nothing_is_cut(server: AgentServer, disk: Disk) -> None:
    disk.output(f"a {SECRET} b\n".encode())
    assert (await left_of(server, secrets=(SECRET,))).output.text() == "a *** b\n"


@pytest.mark.parametrize(
    "answer",
    [
        NO_FILE,
        httpx.Response(404),
        httpx.Response(403),
        httpx.Response(416),
        httpx.Response(500),
        httpx.Response(200, content=b"the whole file, not a part"),
        httpx.ReadError("cut"),
    ],
    ids=["a directory", "404", "403", "416", "500", "no ranges", "cut"],
)
async def test_output_that_has_become_unreadable_is_none(
    server: AgentServer, disk: Disk, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception
) -> None:
    monkeypatch.setattr(aftermath, "SHOWN", 10)
    disk.output(b"x" * 100)
    disk.answers["output.log"] = answer
    left = await left_of(server)
    assert left.seen.status is not None
    assert left.output.text() == ""


class Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content
        raise httpx.ReadError("cut")


async def test_output_that_was_cut_on_its_way_is_what_came(server: AgentServer, disk: Disk) -> None:
    disk.output(b"x" * 100)
    disk.answers["output.log"] = httpx.Response(200, stream=Cut(b"hello\n"))
    assert (await left_of(server)).output.text() == "hello\n"


async def test_a_secret_that_was_cut_on_its_way_is_not_shown(server: AgentServer, disk: Disk) -> None:
    disk.output(b"x" * 100)
    for length in range(1, len(SECRET)):
        disk.answers["output.log"] = httpx.Response(200, stream=Cut(b"hello\n" + SECRET[:length].encode()))
        assert (await left_of(server, secrets=(SECRET,))).output.text() == "hello\n"


async def test_nor_one_that_lies_where_no_more_is_read(server: AgentServer, disk: Disk) -> None:
    """A run without a status says nothing of the length of its output."""
    bound = aftermath.SHOWN + aftermath.SMALL_FILE + Redactor([SECRET]).longest
    disk.files["output.log"] = b"." * (bound - 10) + SECRET.encode() + b"." * 1000
    text = (await left_of(server, secrets=(SECRET,))).output.text()
    assert SECRET[:4] not in text
    assert text.endswith(".")


async def test_output_that_has_become_shorter_or_longer(server: AgentServer, disk: Disk) -> None:
    disk.output(b"hello\n")
    for size in (0, 3, 1000):
        disk.status(output=size)
        text = (await left_of(server)).output.text()
        assert text == "hello\n"
    disk.status(output=10 * aftermath.SHOWN)
    assert (await left_of(server)).output.text() == ""


@pytest.mark.parametrize("answer", [NO_FILE, httpx.Response(404)], ids=["a directory", "gone"])
async def test_a_summary_that_was_replaced_does_not_hide_the_end(
    server: AgentServer, disk: Disk, answer: httpx.Response
) -> None:
    disk.output(b"hello\n")
    disk.status(summary="file")
    disk.answers["summary.md"] = answer
    left = await left_of(server)
    assert left.seen.status is not None
    assert left.seen.status.summary is Presence.FILE
    assert left.seen.summary is None
    assert left.output.text() == "hello\n"


async def test_a_server_that_is_away_is_not_nothing(server: AgentServer, disk: Disk) -> None:
    disk.answers["status.json"] = httpx.ConnectError("no")
    with pytest.raises(ServerUnavailable):
        await left_of(server)


async def test_an_excerpt_of_nothing_is_empty(server: AgentServer, disk: Disk) -> None:
    disk.output(b"")
    left = await left_of(server)
    assert left.output.text() == Excerpt().text() == ""
