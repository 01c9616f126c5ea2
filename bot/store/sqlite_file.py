"""One SQLite file that one process uses, durable at each commit.

The process holds a lock on a file beside the database for as long as it is open: SQLite would let two of them
write, but then both would drive the same runs.

Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html and
https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from automation.errors import Misconfigured
from bot.store.errors import SETTING

DRIVERS: Final = frozenset({"sqlite", "sqlite+aiosqlite"})
BUSY_TIMEOUT = 5
"""Seconds that a transaction waits for another program that writes. Within the process they take turns; and a
thread that waits cannot be ended, so this is also how long the end of the process may be held up."""

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT * 1000}", "foreign_keys=ON")
POOL = 4
"""Connections, each with a thread of its own: one writes, the others read."""

POOL_TIMEOUT = 30
"""Seconds that a reader waits for one of them."""


def path_of(url: URL) -> Path:
    """The file that a URL names.

    Raises:
        Misconfigured: it names none.
    """
    if not url.database or url.database == ":memory:" or "\0" in url.database:
        raise Misconfigured(
            f"{SETTING} names no file, so runs would be forgotten. Set it to sqlite:/// and a path"
        )
    # Two names of one file must not have two locks.
    return Path(url.database).resolve()


def engine_of(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        # The driver's own BEGIN comes too late: a snapshot that turns into a write is refused at once.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def sole_use(path: Path) -> Iterator[None]:
    """The file, for this user only, and the lock beside it, which stays: who removes it could remove another's."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(_opened(path))
        lock = _opened(path.with_name(f"{path.name}.lock"))
    except OSError as error:
        raise Misconfigured(
            f"{SETTING}: {path} cannot be written ({error.strerror}). It has to be a file of the user that runs "
            "the bot, on a disk of this machine"
        ) from None
    try:
        _lock(lock, path)
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(
            f"{SETTING}: {path} is in use by another process. One bot uses one database: stop the other one, "
            "or give this one a file of its own"
        ) from None


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
