"""A PostgreSQL that any number of replicas share.

What one replica has begun and does not go on with must not hold up the others: every wait of the server's for a
lock, a statement or the rest of a transaction has an end.

Sources: https://www.postgresql.org/docs/current/runtime-config-client.html,
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS and
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from automation.errors import Misconfigured
from bot.store.errors import SETTING, DatabaseUnavailable

DRIVERS: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
POOL = 15
"""Connections that a replica has at the most, beside one for its beats and one to listen on."""
POOL_TIMEOUT = 10
LIMITS: Final = {
    "statement_timeout": 30,
    "lock_timeout": 10,
    "idle_in_transaction_session_timeout": 15,
}
"""Seconds."""
LOST_AFTER = 15
"""Seconds after which a connection is given up whose other end does not answer."""
CONNECT: Final[dict[str, Any]] = {
    "application_name": "automation-bot",
    "connect_timeout": 5,
    "keepalives_idle": LOST_AFTER // 3,
    "keepalives_interval": LOST_AFTER // 3,
    "keepalives_count": 2,
    "tcp_user_timeout": LOST_AFTER * 1000,
}


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
            f"{SETTING} is a PostgreSQL's, whose driver is not installed: in a checkout of automation-action, "
            "pip install '.[bot,postgres]'; the image has it"
        ) from None
    return url.set(drivername="postgresql")


def engine_of(url: URL, connections: int = POOL) -> AsyncEngine:
    """Its connections, so many of them at the most."""
    engine = create_async_engine(
        plain_url(url).set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        # A server that was restarted has cut them all.
        pool_pre_ping=True,
        connect_args=CONNECT,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        # Not as start-up parameters: a pool before the server may not take these.
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("; ".join(f"SET {name} = '{seconds}s'" for name, seconds in LIMITS.items()))
        cursor.close()
        connection.autocommit = False

    return engine


async def now(connection: AsyncConnection) -> float:
    """The server's Unix time in seconds."""
    asking = "SELECT extract(epoch FROM clock_timestamp())::float8"
    return float((await connection.exec_driver_sql(asking)).scalar_one())


async def be_patient(connection: AsyncConnection) -> None:
    """Nothing in this transaction is limited in time."""
    await connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = 0" for name in LIMITS))


@asynccontextmanager
async def held(connection: AsyncConnection, turn: str) -> AsyncIterator[None]:
    """Hold a turn for as long as the context, or the connection, lasts."""
    await connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (_key(turn),))
    try:
        yield
    finally:
        try:
            await connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (_key(turn),))
        except SQLAlchemyError:
            # With its connection the lock is gone, too.
            await connection.invalidate()


async def take_turn(connection: AsyncConnection, turn: str) -> None:
    """Wait until no other transaction has this turn; it is over with the transaction."""
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_key(turn),))


def _key(turn: str) -> int:
    return int.from_bytes(sha256(turn.encode()).digest()[:8], signed=True)


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

    try:
        # By its parts: as a URL some passwords are read otherwise.
        parts = url.translate_connect_args(username="user", database="dbname") | dict(url.query)
        connection = await Connection.connect(autocommit=True, **(CONNECT | parts))
        try:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            async with aclosing(connection.notifies()) as notices:
                yield (notice.payload async for notice in notices)
        finally:
            await connection.close()
    except Error as error:
        said = " ".join(str(error).split())
        raise DatabaseUnavailable(f"The database cannot be listened to now: {said}") from error
