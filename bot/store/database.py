"""The database: one SQLite file that one process uses, or a PostgreSQL that replicas share.

    reading     a snapshot
    writing     a transaction; all of it is there, or nothing

What a task calls inside of its `writing` block belongs to that transaction. Whoever reads first, and writes what
follows from that, takes a turn: of the transactions with one turn there is one at a time, in all replicas. On SQLite
every transaction has the only turn, from its first moment.

Trouble with the database is `DatabaseUnavailable`; what a person has to mend at the start
is `Misconfigured`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import URL, Table, make_url
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from automation.errors import Misconfigured
from bot.store import postgresql, sqlite_file
from bot.store.errors import SETTING, DatabaseUnavailable
from bot.store.migrations import migrate

ALONE = 5
"""Most turns that are had or waited for at one time: each has a connection, and needs others for what is done in it."""
ALONE_WITHIN = 30.0
"""Seconds that one waits to be among them."""
MIGRATION = "migration"
"""The turn of whoever brings a shared database up to date."""


class Database:
    """An open database; see `open`.

    Attributes:
        url: where it is.
        is_shared: there may be other processes that use it.
    """

    def __init__(self, engine: AsyncEngine, url: URL, apart: AsyncEngine | None = None) -> None:
        is_shared = apart is not None
        self.url = url
        self.is_shared = is_shared
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._readers = engine.execution_options(**snapshot) if is_shared else engine
        # How many rows an INSERT has made is only kept where it is asked for.
        self._writers = engine.execution_options(writes=True, preserve_rowcount=True)
        self._locks = engine.execution_options(isolation_level="AUTOCOMMIT") if is_shared else engine
        self._apart = apart
        self._turn = asyncio.Lock()
        self._alone = asyncio.Semaphore(ALONE)
        self._writing: dict[asyncio.Task[Any] | None, AsyncConnection] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncIterator["Database"]:
        """The database at this URL, made and brought up to date if need be, for the body of an `async with`.

        Args:
            address: `sqlite:///bot.db` or, with an absolute path, `sqlite:////var/lib/bot/bot.db`; or
                `postgresql://user:password@host:5432/database`.

        Raises:
            Misconfigured: another URL, a database that cannot be used, one of a newer bot, a file that is in use.
        """
        url = url_of(address)
        is_shared = url.drivername in postgresql.DRIVERS
        async with AsyncExitStack() as stack:
            apart = None
            if is_shared:
                engine, name = postgresql.engine_of(url), url.render_as_string(hide_password=True)
                apart = postgresql.engine_of(url, connections=1)
                stack.push_async_callback(apart.dispose)
            else:
                path = sqlite_file.path_of(url)
                stack.enter_context(sqlite_file.sole_use(path))
                engine, name = sqlite_file.engine_of(path), str(path)
            stack.push_async_callback(engine.dispose)
            database = cls(engine, url, apart)
            async with _mendable(name, is_shared=is_shared), database.writing_patiently() as connection:
                await connection.run_sync(migrate)
            yield database

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
    async def writing(self, turn: str = "") -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the outermost block of this task, rolled back by any exception.

        Args:
            turn: what no two transactions may be at, at one time.

        Raises:
            DatabaseUnavailable: it cannot be written.
            IntegrityError: from SQLAlchemy, for a row that contradicts another one.
        """
        if (mine := self._mine()) is not None:
            await self._take(turn, mine)
            yield mine
            return
        async with self._in_turn(), _understood(), self._writers.begin() as connection:
            task = asyncio.current_task()
            self._writing[task] = connection
            try:
                await self._take(turn, connection)
                yield connection
            finally:
                del self._writing[task]

    @asynccontextmanager
    async def writing_patiently(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that makes tables or moves them: one at a time, and it may take as long as it takes."""
        async with self.writing() as connection:
            if self.is_shared:
                await postgresql.be_patient(connection)
            await self._take(MIGRATION, connection)
            yield connection

    @asynccontextmanager
    async def writing_apart(self) -> AsyncIterator[AsyncConnection]:
        """A transaction on a connection that nobody else uses; only for a database that is shared.

        Raises:
            DatabaseUnavailable: it cannot be written.
        """
        assert self._apart is not None  # noqa: S101
        async with _understood(), self._apart.begin() as connection:
            yield connection

    @asynccontextmanager
    async def alone(self, turn: str) -> AsyncIterator[None]:
        """Be the only one at this turn, in all processes, without a transaction: others are asked meanwhile.

        Raises:
            DatabaseUnavailable: the turn does not come.
        """
        if not self.is_shared:
            yield
            return
        async with self._one_of_few(), AsyncExitStack() as stack:
            async with _understood():
                connection = await stack.enter_async_context(self._locks.connect())
                await stack.enter_async_context(postgresql.held(connection, turn))
            yield

    @asynccontextmanager
    async def _one_of_few(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ALONE_WITHIN):
                await self._alone.acquire()
        except TimeoutError:
            raise DatabaseUnavailable("The database cannot be used now: too many need it alone") from None
        try:
            yield
        finally:
            self._alone.release()

    async def now(self) -> float:
        """The Unix time in seconds: of the database's server, which all who share it have in common; else ours.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        if not self.is_shared:
            return time.time()
        async with self.reading() as connection:
            return await postgresql.now(connection)

    async def notify(self, channel: str, words: Sequence[str]) -> None:
        """Tell whoever listens in another process.

        Raises:
            DatabaseUnavailable: nobody was told.
        """
        async with self.writing() as connection:
            await postgresql.notify(connection, channel, words)

    def listening(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """What is told there from now on; only for a database that is shared.

        Raises:
            DatabaseUnavailable: from the context, once nothing can be heard any more.
        """
        return postgresql.listening(self.url, channel)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """SQLite has one writer at a time, and waits for it in a thread; here nobody does."""
        if self.is_shared:
            yield
            return
        async with self._turn:
            yield

    async def _take(self, turn: str, connection: AsyncConnection) -> None:
        if turn and self.is_shared:
            await postgresql.take_turn(connection, turn)

    def _mine(self) -> AsyncConnection | None:
        """The connection of the transaction that the calling task is in."""
        return self._writing.get(asyncio.current_task())


def insert(table: Table) -> Insert:
    """An INSERT that can say what becomes of a conflict; the clause reads the same for SQLite."""
    return Insert(table)


def url_of(address: str) -> URL:
    """The address of a database.

    Raises:
        Misconfigured: it is none of ours. It is not quoted: there may be a password in it.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is not None and url.drivername in postgresql.DRIVERS:
        return postgresql.plain_url(url)
    if url is None or url.drivername not in sqlite_file.DRIVERS or url.host:
        raise Misconfigured(
            f"{SETTING} is not the URL of a database of the bot's. Set it to sqlite:/// and a path, "
            "such as sqlite:////var/lib/automation-bot/automation-bot.sqlite3, or to postgresql://user:password@host:5432/database"
        )
    return url


@asynccontextmanager
async def _understood() -> AsyncIterator[None]:
    """Trouble with the database in our words; a wrong row or statement stays what it is."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except DatabaseError as error:
        said = " ".join(str(error.orig).split())
        raise DatabaseUnavailable(f"The database cannot be used now: {said}") from error
    except PoolTimeoutError as error:
        raise DatabaseUnavailable("The database cannot be used now: all connections were busy") from error


@asynccontextmanager
async def _mendable(name: str, *, is_shared: bool) -> AsyncIterator[None]:
    """Trouble at the start is a person's to mend, but for a server that is away: that may come back."""
    mending = (
        "It has to be reached, and the user has to own the database"
        if is_shared
        else "If it is a bot's database, restore its newest copy; otherwise name another file"
    )
    try:
        yield
    except DatabaseUnavailable as error:
        trouble = DatabaseUnavailable if is_shared else Misconfigured
        raise trouble(_unusable(name, error.sentence, mending)) from error
    except ProgrammingError as error:
        raise Misconfigured(_unusable(name, " ".join(str(error.orig).split()), mending)) from error


def _unusable(name: str, said: str, mending: str) -> str:
    return f"{SETTING}: {name} cannot be used as a database. {said}. {mending}"
