"""What is acknowledged is on the disk; what is not stored is not remembered; nobody fails for a neighbour's sake."""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from bot.inbox import Inbox, NotTaken
from bot.inbox import inbox as module
from bot.store import Database, sqlite_file
from bot.store.deliveries import Delivery, DeliveryRows
from tests.bot.inbox.receiver import COMMENT, Receiver, guid, is_wanted, receiving


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each transaction had."""
    sizes: list[int] = []
    add = DeliveryRows.add

    async def counted(self: DeliveryRows, arrived: Sequence[Delivery]) -> frozenset[str]:
        sizes.append(len(arrived))
        return await add(self, arrived)

    monkeypatch.setattr(DeliveryRows, "add", counted)
    return sizes


async def test_many_at_once_share_commits(receiver: Receiver, commits: list[int]) -> None:
    names = [guid() for _count in range(150)]
    answers = await asyncio.gather(
        *(receiver.post(COMMENT | {"number": name}, x_github_delivery=name) for name in names + names[:50])
    )
    assert statuses(answers) == [202] * 200
    assert sorted(answer.text for answer in answers) == ["known already"] * 50 + ["stored"] * 150
    assert {name: payload["number"] for name, payload in (await receiver.payloads()).items()} == {
        name: name for name in names
    }
    assert max(commits) <= module.SHARED
    assert len(commits) < 50


async def test_who_comes_alone_does_not_wait_for_company(receiver: Receiver, commits: list[int]) -> None:
    for _count in range(3):
        await receiver.post()
    assert commits == [1, 1, 1]


async def test_what_was_taken_is_known_after_a_restart(path: Path) -> None:
    name = guid()
    for expected in ("stored", "known already", "known already"):
        async with receiving(path) as receiver:
            assert (await receiver.post(x_github_delivery=name)).text == expected
            assert len(await receiver.requests()) == 1


async def test_a_full_disk_is_not_an_acknowledgement(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = guid()
    large = {"noise": [str(guid()) for _count in range(10_000)]}
    monkeypatch.setattr(sqlite_file, "PRAGMAS", (*sqlite_file.PRAGMAS, "max_page_count=80"))
    async with receiving(path) as receiver:
        answer = await receiver.post(large, x_github_delivery=name)
        assert answer.status_code == 503
        assert "the bot's log says why" in answer.text
        assert (
            f"{name} is not stored: The database cannot be used now: database or disk is full" in caplog.text
        )
        assert (await receiver.post()).status_code == 202
    monkeypatch.undo()
    async with receiving(path) as receiver:
        assert (await receiver.post(large, x_github_delivery=name)).text == "stored"


async def test_neighbours_of_what_cannot_be_stored_are_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[int]
) -> None:
    large = {"noise": [str(guid()) for _count in range(10_000)]}
    monkeypatch.setattr(sqlite_file, "PRAGMAS", (*sqlite_file.PRAGMAS, "max_page_count=80"))
    async with receiving(path) as receiver:
        answers = await asyncio.gather(*(receiver.post(each) for each in [COMMENT, COMMENT, large, COMMENT]))
        assert statuses(answers) == [202, 202, 503, 202]
        assert len(await receiver.requests()) == 3
    assert max(commits) > 1


async def test_a_locked_database_is_not_an_acknowledgement(
    path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    name = guid()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(receiver.post(x_github_delivery=each) for each in (name, guid())))
        assert statuses(answers) == [503, 503]
        assert "could not be stored within" in answers[0].text
    monkeypatch.undo()
    assert (await receiver.post(x_github_delivery=name)).text == "stored"
    assert [each.delivery for each in await receiver.requests()] == [name]


async def test_a_database_that_stays_locked_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_file, "PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    async with receiving(path) as receiver:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await receiver.post()).status_code == 503
        assert "database is locked" in caplog.text
        assert (await receiver.post()).status_code == 202


async def test_too_many_are_turned_away(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 5)
    async with receiver.database.writing():
        posting = [asyncio.create_task(receiver.post()) for _count in range(20)]
        while sum(task.done() for task in posting) < 14:
            await asyncio.sleep(0.01)
        assert receiver.inbox.waiting <= 5
    answers = await asyncio.gather(*posting)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) + statuses(answers).count(202) == 20
    assert len(refused) >= 14
    assert "Too many" in refused[0].text
    assert len(await receiver.requests()) == statuses(answers).count(202)


async def test_an_inbox_that_is_closed_takes_nothing_more(receiver: Receiver) -> None:
    async with receiver.database.writing():
        waiting = asyncio.create_task(receiver.post())
        while not receiver.inbox.waiting:
            await asyncio.sleep(0)
        receiver.inbox.close()
        assert not receiver.inbox.is_open
        refused = await receiver.post()
    assert (refused.status_code, "shutting down" in refused.text) == (503, True)
    assert (await waiting).status_code == 202
    assert len(await receiver.requests()) == 1


async def test_what_waits_at_the_end_is_stored(path: Path) -> None:
    async with receiving(path) as receiver:
        waiting = [asyncio.create_task(receiver.post()) for _count in range(10)]
        while receiver.inbox.waiting < 10:
            await asyncio.sleep(0)
    assert statuses(await asyncio.gather(*waiting)) == [202] * 10


async def test_what_cannot_be_stored_at_the_end_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database.open(f"sqlite:///{path}") as database, database.writing():
        async with Inbox.open(database, is_wanted) as inbox:
            waiting = [asyncio.create_task(inbox.take(guid(), "push", {}, b"")) for _count in range(2)]
            while inbox.waiting < 2:
                await asyncio.sleep(0)
            monkeypatch.setattr(module, "LAST", 0.05)
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, NotTaken)
            assert "shutting down" in each.sentence


async def test_who_gave_up_is_not_waited_for(receiver: Receiver) -> None:
    name = guid()
    async with receiver.database.writing():
        posting = asyncio.create_task(receiver.post(x_github_delivery=name))
        while not receiver.inbox.waiting:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
    assert (await receiver.post()).status_code == 202
    assert (await receiver.post(x_github_delivery=name)).text == "stored"


async def test_a_reader_of_deliveries_uses_the_same_inbox(receiver: Receiver) -> None:
    name = guid()
    body = json.dumps(COMMENT).encode()
    assert await receiver.inbox.take(name, "issue_comment", COMMENT, body)
    assert not await receiver.inbox.take(name, "issue_comment", COMMENT, body)
    assert (await receiver.post(x_github_delivery=name)).text == "known already"


async def test_nothing_of_a_delivery_is_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    await receiver.post({"secret": "hunter2"})
    await receiver.post({"secret": "hunter2"}, x_hub_signature_256="sha256=hunter2")
    assert "hunter2" not in caplog.text
