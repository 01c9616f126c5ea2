"""Sealed secrets are kept by run, and put under another seal when the key changes."""

from bot.store import Database
from bot.store.runs import RunRows
from bot.store.secrets import SecretRows
from tests.bot.store.rows import a_run


async def test_secrets_are_kept_by_run_and_name(database: Database) -> None:
    rows, runs = SecretRows(database), RunRows(database)
    run, other = a_run(), a_run()
    for each in (run, other):
        await runs.add(each)
    await rows.keep(run.id, {})
    assert await rows.of(run.id) == {}
    await rows.keep(run.id, {"a": b"1\0", "b": b"2"})
    await rows.keep(run.id, {"b": b"3", "c": b"4"})
    await rows.keep(other.id, {"a": b"5"})
    assert await rows.of(run.id) == {"a": b"1\0", "b": b"3", "c": b"4"}
    await rows.forget(run.id)
    assert await rows.of(run.id) == {}
    assert await rows.of(other.id) == {"a": b"5"}


async def test_they_get_another_seal(database: Database) -> None:
    rows, run = SecretRows(database), a_run()
    await RunRows(database).add(run)
    await rows.keep(run.id, {"a": b"old 1", "b": b"new 2"})
    assert await rows.reseal(lambda token: token.replace(b"old", b"new")) == 1
    assert await rows.of(run.id) == {"a": b"new 1", "b": b"new 2"}
    assert await rows.reseal(lambda token: token.replace(b"old", b"new")) == 0
