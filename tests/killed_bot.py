"""The bot as it is served, killed at a point of one's choice: before or after something that it does outside.

    python -m tests.killed_bot serve --port ...

Its code is left alone; what it reaches the world by is wrapped: every HTTP request (`requests` to GitHub, `httpx` to
agent-servers, Clouds and archives) and every commit of the database. Each time that one is reached is a point, such
as `after POST /check-runs #1`; a new effect has its points without anybody's doing. After a request means that it
has been answered and nobody has read the answer; before a commit, that everything else of the transaction is done.
"""

import asyncio
import os
import re
import signal
import threading
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import requests

from bot.cli import main
from bot.store.database import Database

PASSED = "KILLED_BOT_PASSED"
"""The variable that names a file: each point that is reached becomes a line of it."""

KILLED_AT = "KILLED_BOT_AT"
"""The variable that names a file with the point at which a process kills itself, once; see `arm`."""

_ANY = re.compile(r"[0-9a-f]{40}|(?<=/)\d+(?=/|$)")
"""What differs from one run to the next: commits and numbers."""

_REPOSITORY = re.compile(r"^/repos/[^/]+/[^/]+")


def arm(file: Path, point: str = "") -> None:
    """From now on points are counted anew; whoever is the first to reach this one dies, and nobody else."""
    new = file.with_suffix(".new")
    new.write_text(f"{point}\n{uuid4()}")
    new.replace(file)


class Points:
    """Counts the points of this process, writes them down, and dies at one."""

    def __init__(self, passed: str, killed_at: Path) -> None:
        self._passed = os.open(passed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = killed_at
        self._armed = ""
        self._counted: Counter[str] = Counter()
        self._counting = threading.Lock()

    def numbered(self, effect: str) -> str:
        """The effect, told from those of the same name."""
        armed = self._read()
        with self._counting:
            if armed not in {"", self._armed}:
                self._armed = armed
                self._counted.clear()
            self._counted[effect] += 1
            return f"{effect} #{self._counted[effect]}"

    def _read(self) -> str:
        try:
            return self._file.read_text()
        except FileNotFoundError:
            return ""

    def reach(self, point: str) -> None:
        os.write(self._passed, f"{point}\n".encode())
        if point == self._armed.partition("\n")[0]:
            with suppress(FileNotFoundError):
                self._file.rename(self._file.with_suffix(".reached"))
                os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self, method: str, url: str) -> Iterator[None]:
        """The two points of a request; none after one that was not answered."""
        path = _ANY.sub("*", _REPOSITORY.sub("", urlsplit(url).path))
        effect = self.numbered(f"{method} {path}")
        self.reach(f"before {effect}")
        yield
        self.reach(f"after {effect}")


def wrap_requests(points: Points) -> None:
    send = requests.Session.send

    def wrapped(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        with points.around(str(request.method), str(request.url)):
            return send(self, request, **options)

    requests.Session.send = wrapped  # type: ignore[method-assign]


def wrap_httpx(points: Points) -> None:
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def wrapped(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        with points.around(request.method, str(request.url)):
            return send(self, request, **options)

    async def wrapped_async(
        self: httpx.AsyncClient, request: httpx.Request, **options: Any
    ) -> httpx.Response:
        with points.around(request.method, str(request.url)):
            return await send_async(self, request, **options)

    httpx.Client.send = wrapped  # type: ignore[method-assign]
    httpx.AsyncClient.send = wrapped_async  # type: ignore[method-assign]


def wrap_database(points: Points) -> None:
    """The outermost blocks of `writing`: each ends in a commit, which is named after who writes."""
    writing = Database.writing
    at_it: set[object] = set()

    @asynccontextmanager
    async def wrapped(self: Database, turn: str = "") -> AsyncIterator[Any]:
        task = asyncio.current_task()
        if task in at_it:
            async with writing(self, turn) as connection:
                yield connection
            return
        effect = f"COMMIT {_writer()}"
        at_it.add(task)
        try:
            async with writing(self, turn) as connection:
                yield connection
                effect = points.numbered(effect)
                points.reach(f"before {effect}")
            points.reach(f"after {effect}")
        finally:
            at_it.discard(task)

    Database.writing = wrapped  # type: ignore[method-assign]


def _writer() -> str:
    """Whose function of the bot's has asked for the transaction."""
    for frame, _ in traceback.walk_stack(None):
        if str(frame.f_globals.get("__name__")).startswith("bot."):
            return frame.f_code.co_qualname
    return "nobody"


if __name__ == "__main__":
    reached = Points(os.environ[PASSED], Path(os.environ[KILLED_AT]))
    wrap_requests(reached)
    wrap_httpx(reached)
    wrap_database(reached)
    main()
