"""One process, one file, all or nothing; whatever is wrong with the file is said in a sentence."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from automation.errors import Misconfigured
from bot.store import Database, DatabaseUnavailable
from bot.store import sqlite_file as module
from bot.store.database import insert, url_of
from bot.store.facts import Facts
from bot.store.schema import facts

ELSEWHERE = """
import asyncio, sys
from bot.store import Database
from bot.store.facts import Facts
from automation.errors import Misconfigured
async def main():
    async with Database.open(sys.argv[1]) as database:
        await Facts(database).put("here", "yes")
        print("open", flush=True)
        await asyncio.sleep(float(sys.argv[2]))
try:
    asyncio.run(main())
except Misconfigured as error:
    print(error.sentence)
"""


def elsewhere(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that opens the database."""
    command = [sys.executable, "-W", "error", "-c", ELSEWHERE, f"sqlite:///{path}", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with Database.open(f"sqlite:///{path}") as database:
        yield database


@pytest.fixture
def locked(path: Path, database: Database) -> Iterator[sqlite3.Connection]:
    """Somebody else is writing."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(facts))).scalar_one()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////var/bot.db", "/var/bot.db"),
        ("sqlite+aiosqlite:////var/bot.db", "/var/bot.db"),
        ("sqlite:///bot.db", str(Path.cwd() / "bot.db")),
        ("sqlite:////var/../srv/my%20bot.db", "/srv/my bot.db"),
    ],
)
def test_a_url_names_a_file(url: str, expected: str) -> None:
    assert str(module.path_of(url_of(url))) == expected


async def test_any_name_will_do(tmp_path: Path) -> None:
    async with Database.open(f"sqlite:///{tmp_path}/a%20bot%3F%25%23.db") as database:
        await Facts(database).put("a", "b")
    assert (tmp_path / "a bot?%#.db").stat().st_size > 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bot.db",
        "/var/bot.db",
        "sqlite",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/bot.db",
        "postgresql://bot:hunter2@localhost",
        "postgresql+asyncpg://bot:hunter2@localhost/bot",
        "mysql://bot:hunter2@localhost/bot",
        "nonsense://x:hunter2@[",
        "sqlite:///bot.db\0hunter2",
    ],
)
async def test_another_url_is_refused_without_being_quoted(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="BOT_DATABASE_URL") as refusal:
        async with Database.open(url):
            pass
    assert "hunter2" not in refusal.value.sentence


async def test_files_are_for_this_user_only(path: Path) -> None:
    path = path.parent / "deep" / "down" / "bot.db"
    async with Database.open(f"sqlite:///{path}") as database:
        await Facts(database).put("a", "b")
        assert {each.name for each in path.parent.iterdir()} >= {"bot.db", "bot.db-wal", "bot.db.lock"}
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_others_may_read_is_closed_to_them(path: Path) -> None:
    path.touch(0o644)
    async with Database.open(f"sqlite:///{path}"):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_it_is_durable_and_strict(database: Database) -> None:
    async with database.reading() as connection:
        for pragma, expected in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 5000),
        ):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == expected


async def test_what_was_written_is_there_when_it_is_opened_again(path: Path) -> None:
    for expected in (0, 1):
        async with Database.open(f"sqlite:///{path}") as database:
            assert await count(database) == expected
            await Facts(database).put("a", "b")


async def test_it_cannot_be_opened_twice(path: Path, database: Database) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(Misconfigured, match="in use by another process"):
            async with Database.open(f"sqlite:///{name}"):
                pass
    await Facts(database).put("a", "b")


async def test_another_process_cannot_open_it(path: Path, database: Database) -> None:
    other = elsewhere(path, 0)
    printed = (await asyncio.to_thread(other.communicate))[0]
    assert "in use by another process" in printed
    assert await Facts(database).get("here") is None


async def test_a_process_that_was_killed_leaves_no_lock(path: Path) -> None:
    other = elsewhere(path, 60)
    assert other.stdout is not None
    assert await asyncio.to_thread(other.stdout.readline) == "open\n"
    with pytest.raises(Misconfigured, match="in use"):
        async with Database.open(f"sqlite:///{path}"):
            pass
    other.kill()
    await asyncio.to_thread(other.communicate)
    async with Database.open(f"sqlite:///{path}") as database:
        assert await Facts(database).get("here") == "yes"


async def test_a_failed_start_leaves_no_lock(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    for _count in range(2):
        with pytest.raises(Misconfigured, match="not a database"):
            async with Database.open(f"sqlite:///{path}"):
                pass
    path.unlink()
    async with Database.open(f"sqlite:///{path}"):
        pass


@pytest.mark.parametrize("place", ["directory", "file/bot.db"])
async def test_a_place_that_is_no_file_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match=rf"{place} cannot be written \("):
        async with Database.open(f"sqlite:///{tmp_path / place}"):
            pass


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.writing() as connection:
            await connection.execute(insert(facts).values(name="a", value="b"))
            await Facts(database).put("c", "d")
            assert await count(database) == 2
            raise ZeroDivisionError
    assert await count(database) == 0


async def test_others_see_a_transaction_only_once_it_is_there(database: Database) -> None:
    async with database.writing():
        await Facts(database).put("a", "b")
        assert await asyncio.create_task(count(database)) == 0
    assert await count(database) == 1


async def test_transactions_take_turns(database: Database) -> None:
    async def add() -> None:
        async with database.writing():
            number = int(await Facts(database).get("number") or 0)
            await asyncio.sleep(0)
            await Facts(database).put("number", str(number + 1))

    await asyncio.gather(*(add() for _count in range(20)))
    assert await Facts(database).get("number") == "20"


async def test_many_can_read_at_once(database: Database) -> None:
    await asyncio.gather(*(count(database) for _count in range(100)))


async def test_a_transaction_can_be_cancelled(database: Database) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with database.writing():
            await Facts(database).put("a", "b")
            begun.set()
            await asyncio.sleep(60)

    writing = asyncio.create_task(write())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await Facts(database).put("c", "d")
    assert await count(database) == 1


async def test_a_lock_of_somebody_else_is_waited_for(database: Database, locked: sqlite3.Connection) -> None:
    putting = asyncio.create_task(Facts(database).put("a", "b"))
    await asyncio.sleep(0.1)
    assert not putting.done()
    locked.execute("ROLLBACK")
    await putting


async def test_a_lock_that_stays_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    async with Database.open(f"sqlite:///{path}") as database:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseUnavailable, match="database is locked"):
                await Facts(database).put("a", "b")
            assert await count(database) == 0
        await Facts(database).put("a", "b")


async def test_a_full_disk_is_said_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRAGMAS", (*module.PRAGMAS, "max_page_count=60"))
    async with Database.open(f"sqlite:///{path}") as database:

        async def put_both() -> None:
            async with database.writing():
                await Facts(database).put("small", "x")
                await Facts(database).put("large", "x" * 1_000_000)

        with pytest.raises(DatabaseUnavailable, match="full"):
            await put_both()
        assert await count(database) == 0
        await Facts(database).put("small", "x")
