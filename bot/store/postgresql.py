"""A PostgreSQL that any number of replicas share.

What one replica has begun and does not go on with must not hold up the others: every wait of the server's for a
lock, a statement or the rest of a transaction has an end.

Sources: https://www.postgresql.org/docs/current/runtime-config-client.html,
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS and
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from automation.errors import Misconfigured
from bot.store.errors import SETTING, DatabaseUnavailable

DRIVERS: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
POOL = 5
"""Connections that a replica keeps; it opens as many more for a while."""
POOL_TIMEOUT = 10
CONNECTED_WITHIN = 5
STATEMENT_TIMEOUT = 30
LOCK_TIMEOUT = 10
IDLE_TIMEOUT = 15
"""Seconds that a transaction may wait for its replica."""
LOST_AFTER = 15
"""Seconds after which a connection is given up whose other end does not answer."""
NAME = "automation-bot"


def plain_url(url: URL) -> URL:
    """The same for libpq and all that reads its addresses.

    Raises:
        Misconfigured: it names no server or no database, or the driver is not installed.
    """
    if not url.database or not (url.host or url.query.get("host")):
        raise Misconfigured(
            f"{SETTING} names no server or no database. Set it to postgresql://user:password@host:5432/database"
        )
    try:
        import psycopg  # noqa: F401, PLC0415  # only those who use it need it
    except ImportError:
        raise Misconfigured(
            f"{SETTING} is a PostgreSQL's, whose driver is not installed: "
            "pip install 'automation-action[bot,postgres]'"
        ) from None
    return url.set(drivername="postgresql")


def engine_of(url: URL) -> AsyncEngine:
    """Its connections."""
    return create_async_engine(
        plain_url(url).set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=POOL,
        pool_timeout=POOL_TIMEOUT,
        # A server that was restarted has cut them all.
        pool_pre_ping=True,
        connect_args=connect_args(),
    )


def connect_args() -> dict[str, Any]:
    """How to connect."""
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
    }
    return {
        "application_name": NAME,
        "connect_timeout": CONNECTED_WITHIN,
        "keepalives_idle": LOST_AFTER // 3,
        "keepalives_interval": LOST_AFTER // 3,
        "keepalives_count": 2,
        "tcp_user_timeout": LOST_AFTER * 1000,
        "options": " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items()),
    }


async def take_turn(connection: AsyncConnection, turn: str) -> None:
    """Wait until no other transaction has this turn; it is over with the transaction."""
    key = int.from_bytes(sha256(turn.encode()).digest()[:8], signed=True)
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))


async def notify(connection: AsyncConnection, channel: str, words: Sequence[str]) -> None:
    """Tell whoever listens, once the transaction is committed."""
    for word in words:
        await connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (channel, word))


@asynccontextmanager
async def listening(url: URL, channel: str) -> AsyncIterator[AsyncIterator[str]]:
    """What is told from now on, on a connection of its own.

    Raises:
        DatabaseUnavailable: the connection is cut, or cannot be had.
    """
    from psycopg import AsyncConnection as Connection  # noqa: PLC0415  # only those who use it need it
    from psycopg import Error, sql  # noqa: PLC0415

    async def words() -> AsyncIterator[str]:
        async for notice in connection.notifies():
            yield notice.payload

    try:
        address = plain_url(url).render_as_string(hide_password=False)
        connection = await Connection.connect(address, autocommit=True, **connect_args())
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield words()
    except Error as error:
        said = " ".join(str(error).split())
        raise DatabaseUnavailable(f"The database cannot be listened to now: {said}") from error
