"""The database: one SQLite file that one process uses, durable at each commit.

    reading     a snapshot
    writing     a transaction that holds the write lock from its first moment; all of it is there, or nothing

What a task calls inside of its `writing` block belongs to that transaction. Trouble with the file is
`DatabaseUnavailable` and leaves nothing behind; what a person has to mend at the start is `Misconfigured`.

The process holds a lock on a file beside the database for as long as it is open: SQLite would let two of them
write, but then both would drive the same runs.

Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html and
https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Table, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from automation.errors import Misconfigured
from bot.store.errors import DatabaseUnavailable
from bot.store.migrations import migrate

SETTING = "BOT_DATABASE_URL"
DRIVERS = frozenset({"sqlite", "sqlite+aiosqlite"})
BUSY_TIMEOUT = 5
"""Seconds that a transaction waits for another program that writes. Within the process they take turns; and a
thread that waits cannot be ended, so this is also how long the end of the process may be held up."""

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT * 1000}", "foreign_keys=ON")
POOL = 4
"""Connections, each with a thread of its own: one writes, the others read."""

POOL_TIMEOUT = 30
"""Seconds that a reader waits for one of them."""


class Database:
    """An open database; see `open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._readers = engine
        self._writers = engine.execution_options(writes=True)
        self._turn = asyncio.Lock()
        self._writing: tuple[asyncio.Task[Any] | None, AsyncConnection] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["Database"]:
        """The database at this URL, made and brought up to date if need be, for the body of an `async with`.

        Args:
            url: `sqlite:///bot.db` or, with an absolute path, `sqlite:////var/lib/bot/bot.db`.

        Raises:
            Misconfigured: another URL, a file that cannot be used, one of a newer bot, one that is in use.
        """
        path = path_of(url)
        with _sole_use(path):
            engine = _engine(path)
            try:
                with _mendable(path):
                    async with _understood(), engine.execution_options(writes=True).begin() as connection:
                        await connection.run_sync(migrate)
                yield cls(engine)
            finally:
                await engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database.

        Raises:
            DatabaseUnavailable: it cannot be read.
        """
        if (mine := self._mine()) is not None:
            yield mine
            return
        async with _understood(), self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the outermost block of this task, rolled back by any exception.

        Raises:
            DatabaseUnavailable: it cannot be written; nothing has been.
            IntegrityError: from SQLAlchemy, for a row that contradicts another one.
        """
        if (mine := self._mine()) is not None:
            yield mine
            return
        async with self._turn, _understood(), self._writers.begin() as connection:
            self._writing = asyncio.current_task(), connection
            try:
                yield connection
            finally:
                self._writing = None

    def _mine(self) -> AsyncConnection | None:
        """The connection of the transaction that the calling task is in."""
        if self._writing is None or self._writing[0] is not asyncio.current_task():
            return None
        return self._writing[1]


def insert(table: Table) -> sqlite.Insert:
    """An INSERT that can say what becomes of a conflict; the clause reads the same for PostgreSQL."""
    return sqlite.insert(table)


def path_of(url: str) -> Path:
    """The file that a URL names.

    Raises:
        Misconfigured: it names none. The URL is not quoted: there may be a password in it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in DRIVERS or parsed.host:
        raise Misconfigured(
            f"{SETTING} is not the URL of an SQLite file. Set it to sqlite:/// and a path, "
            "such as sqlite:////var/lib/automation-bot/bot.db"
        )
    if not parsed.database or parsed.database == ":memory:" or "\0" in parsed.database:
        raise Misconfigured(
            f"{SETTING} names no file, so runs would be forgotten. Set it to sqlite:/// and a path"
        )
    # Two names of one file must not have two locks.
    return Path(parsed.database).resolve()


def _engine(path: Path) -> AsyncEngine:
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


@asynccontextmanager
async def _understood() -> AsyncIterator[None]:
    """Trouble with the database in our words; a wrong row or statement stays what it is."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except DatabaseError as error:
        raise DatabaseUnavailable(f"The database cannot be used now: {error.orig}") from error
    except PoolTimeoutError as error:
        raise DatabaseUnavailable(
            f"The database cannot be used now: all connections were busy for {POOL_TIMEOUT} s"
        ) from error


@contextmanager
def _mendable(path: Path) -> Iterator[None]:
    """Trouble at the start is a person's to mend."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise Misconfigured(
            f"{SETTING}: {path} cannot be used as a database. {error.sentence}. If it is a bot's database, restore "
            "its newest copy; otherwise name another file"
        ) from error


@contextmanager
def _sole_use(path: Path) -> Iterator[None]:
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
