"""A database that is shared: turns and locks across processes, whatever the password, and a server that goes away."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.store import Database, DatabaseUnavailable, postgresql
from bot.store.facts import Facts
from bot.store.runs import RunRows
from tests.postgresql import PostgreSQL
from tests.teller import eventually


@pytest.fixture
def url(postgres: PostgreSQL) -> Iterator[str]:
    with postgres.emptied() as url:
        yield url


@pytest.fixture
async def two(url: str) -> AsyncIterator[tuple[Database, Database]]:
    """As two processes have them."""
    async with Database.open(url) as one, Database.open(url) as other:
        yield one, other


async def test_who_takes_the_same_turn_waits(two: tuple[Database, Database]) -> None:
    async def add(database: Database) -> None:
        async with database.writing("number"):
            number = int(await Facts(database).get("number") or 0)
            await asyncio.sleep(0)
            await Facts(database).put("number", str(number + 1))

    await asyncio.gather(*(add(database) for database in two for _ in range(20)))
    assert await Facts(two[0]).get("number") == "40"


async def test_who_is_alone_holds_no_transaction(two: tuple[Database, Database]) -> None:
    one, other = two
    order: list[str] = []

    async def wait() -> None:
        async with other.alone("comment"):
            order.append("second")

    async with one.alone("comment"):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.2)
        await Facts(one).put("a", "b")
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_those_who_are_alone_leave_connections_to_the_others(two: tuple[Database, Database]) -> None:
    """As many as there are connections, each of which needs another one while it is alone."""
    database, inside = two[0], 0

    async def be_alone(number: int) -> None:
        nonlocal inside
        async with database.alone(f"comment {number}"):
            inside += 1
            await asyncio.sleep(0.05)
            async with database.reading() as connection:
                await connection.exec_driver_sql("SELECT 1")
            inside -= 1

    async with asyncio.timeout(8):
        await asyncio.gather(*map(be_alone, range(2 * postgresql.POOL)))


async def test_who_dies_alone_leaves_the_turn(
    postgres: PostgreSQL, two: tuple[Database, Database], url: str
) -> None:
    one, other = two
    async with one.alone("comment"):
        postgres.cut(url.rpartition("/")[2])
        async with asyncio.timeout(5), other.alone("comment"):
            pass


async def test_a_server_that_was_restarted_is_used_again(
    postgres: PostgreSQL, two: tuple[Database, Database], url: str
) -> None:
    await Facts(two[0]).put("a", "b")
    postgres.cut(url.rpartition("/")[2])
    assert await Facts(two[0]).get("a") == "b"
    assert await Facts(two[1]).get("a") == "b"


async def test_a_connection_that_is_cut_in_a_transaction_leaves_nothing(
    postgres: PostgreSQL, two: tuple[Database, Database], url: str
) -> None:
    async def put_both() -> None:
        async with two[0].writing():
            await Facts(two[0]).put("a", "b")
            postgres.cut(url.rpartition("/")[2])
            await Facts(two[0]).put("c", "d")

    with pytest.raises(DatabaseUnavailable, match="cannot be used now"):
        await put_both()
    assert await Facts(two[1]).get("a") is None


@pytest.mark.parametrize("password", ["hunter2", "a b%c:d", "sp%20ace", "ümläut"])
async def test_any_password_will_do(postgres: PostgreSQL, password: str) -> None:
    with postgres.database() as url:
        name = url.rpartition("/")[2]
        quoted = password.replace("'", "''")
        postgres.ask(f"CREATE USER u_{name} SUPERUSER PASSWORD '{quoted}'")
        address = url.replace("postgres@", f"u_{name}:{escaped(password)}@")
        heard: list[str] = []
        async with Database.open(address) as database:

            async def listen() -> None:
                async with database.listening("channel") as words:
                    heard.append("")
                    heard.append(await anext(words))

            listening = asyncio.create_task(listen())
            await eventually(lambda: heard == [""])
            await database.notify("channel", ["hello"])
            await eventually(lambda: heard == ["", "hello"])
            listening.cancel()
            await asyncio.wait([listening])


def escaped(password: str) -> str:
    return "".join(
        each if each.isalnum() and each.isascii() else "".join(f"%{byte:02X}" for byte in each.encode())
        for each in password
    )


async def test_options_of_ones_own_count(postgres: PostgreSQL) -> None:
    with postgres.database() as url:
        postgres.ask("CREATE SCHEMA mine", database=url.rpartition("/")[2])
        async with (
            Database.open(f"{url}?options=-csearch_path%3Dmine") as database,
            database.reading() as connection,
        ):
            found = await connection.exec_driver_sql(
                "SELECT schemaname FROM pg_tables WHERE tablename = 'runs'"
            )
            assert found.scalar_one() == "mine"
            limit = await connection.exec_driver_sql("SHOW statement_timeout")
            assert limit.scalar_one() == "30s"


async def test_what_is_no_text_there_is_no_defect(url: str) -> None:
    async with Database.open(url) as database:
        assert await RunRows(database).recent(actor="a\0b") == []
