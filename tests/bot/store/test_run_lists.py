"""Runs are counted by day and for caps, the oldest that waits is known, and where runs have been."""

import pytest

from bot.runs.run import Run, State
from bot.store import Database
from bot.store.run_lists import RunLists
from bot.store.runs import RunRows
from tests.bot.store.rows import NOW, SUCCESS, a_run

DAY = 24 * 60 * 60


@pytest.fixture
def rows(database: Database) -> RunRows:
    return RunRows(database)


@pytest.fixture
def lists(database: Database) -> RunLists:
    return RunLists(database)


async def add(rows: RunRows, *made: Run) -> None:
    for run in made:
        assert await rows.add(run)


async def test_days_are_counted(rows: RunRows, lists: RunLists) -> None:
    today = NOW // DAY * DAY
    await add(
        rows,
        a_run(accepted_at=today),
        a_run(accepted_at=today + DAY - 1, end=SUCCESS),
        a_run(accepted_at=today - 1, end=SUCCESS),
        a_run(accepted_at=today - 2, end=SUCCESS),
        a_run(accepted_at=today - 2 * DAY - 1),
    )
    days = await lists.per_day(3, today + 5)
    assert [each.conclusions for each in days] == [{}, {"success": 2}, {"": 1, "success": 1}]
    assert [each.runs for each in days] == [0, 2, 2]
    assert days[2].date.isoformat() == "2027-01-15"


async def test_runs_are_counted_for_caps(rows: RunRows, lists: RunLists) -> None:
    await add(
        rows,
        a_run(lane="a lane", actor="mona", pull_request=7),
        a_run(lane="a lane", actor="mona", accepted_at=NOW + 9),
        a_run(lane="a lane", actor="hubot", pull_request=7, accepted_at=NOW + 9),
        a_run(lane="a lane", actor="mona", repository="octo/other"),
        a_run(actor="mona", pull_request=7),
    )
    assert await lists.count_since("octo/demo", NOW) == 3
    assert await lists.count_since("octo/demo", NOW + 1) == 2
    assert await lists.count_since("octo/demo", NOW, actor="mona") == 2
    assert await lists.count_since("octo/demo", NOW, pull_request=7) == 2
    assert await lists.count_since("octo/demo", NOW, actor="mona", pull_request=7) == 1
    assert await lists.count_since("octo/demo", NOW, is_noted=True) == 1
    assert await lists.count_since("octo/demo", NOW, actor="hubot", is_noted=True) == 0


async def test_the_oldest_that_waits(rows: RunRows, lists: RunLists) -> None:
    assert await lists.oldest_queued() is None
    await add(rows, a_run(accepted_at=NOW - 5, state=State.RUNNING))
    await add(rows, a_run(accepted_at=NOW - 2), a_run(accepted_at=NOW - 3))
    assert await lists.oldest_queued() == NOW - 3


async def test_where_runs_have_just_ended_and_where_there_were_any(rows: RunRows, lists: RunLists) -> None:
    over = {"state": State.ENDED, "end": SUCCESS}
    await add(
        rows,
        a_run(head_sha="a" * 40, ended_at=NOW - 9, **over),
        a_run(head_sha="b" * 40, ended_at=NOW - 2, **over),
        a_run(head_sha="b" * 40, ended_at=NOW - 3, **over),
        a_run(head_sha="c" * 40, ended_at=NOW - 1, installation=8, repository="octo/other", **over),
        a_run(head_sha="d" * 40),
    )
    heads = await lists.heads_ended_since(NOW - 5)
    assert [(repository, sha[0]) for repository, _, sha in heads] == [("octo/other", "c"), ("octo/demo", "b")]
    assert {repository for repository, _ in await lists.repositories(NOW)} == {"octo/demo", "octo/other"}
    assert await lists.repositories(NOW + 1) == []
