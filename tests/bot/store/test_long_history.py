"""With five thousand runs behind it the store looks up what it is asked for, and reads through no table for it."""

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.store.store import Store
from tests.bot.store.rows import NOW, a_delivery, a_run
from tests.bot.store.statements import history, statements

HOUR = 3600.0
RUN = a_run(lane="lane 1", accepted_at=NOW)
type Ask = Callable[[Store], Awaitable[Any]]
ASKED: dict[str, Ask] = {
    "a delivery is taken in": lambda store: store.deliveries.add([a_delivery()]),
    "requests that are due": lambda store: store.requests.due(NOW, 64, each=2),
    "when the next one is due": lambda store: store.requests.next_due(),
    "the oldest request": lambda store: store.requests.oldest(),
    "a run is added": lambda store: store.runs.add(a_run(accepted_at=NOW)),
    "a lane": lambda store: store.runs.in_lane("lane 1"),
    "a cap of a person": lambda store: store.run_lists.count_since("octo/demo", NOW - HOUR, actor="alice"),
    "a cap of a pull request": lambda store: store.run_lists.count_since(
        "octo/demo", NOW - HOUR, pull_request=7
    ),
    "a pull request's runs": lambda store: store.runs.of_pull("octo/demo", 7),
    "a pull request's runs that were under way": lambda store: store.runs.under_way_at(1, "octo/demo", 7),
    "a commit's runs": lambda store: store.runs.of_commit("octo/demo", f"{7:040x}"),
    "what a comment has made": lambda store: store.runs.made_by(1, 7),
    "what repeats a run": lambda store: store.runs.repeating(RUN.id),
    "a run by its check run": lambda store: store.runs.find_by_check("octo/demo", 7),
    "a run by its id": lambda store: store.runs.get(RUN.id),
    "a run is saved": lambda store: store.runs.save(RUN),
    "a stop": lambda store: store.runs.ask_stop(RUN.id, "alice", "cancelled"),
    "what started a run": lambda store: store.runs.event_of(RUN.id),
    "the sweep": lambda store: store.runs.unfinished(),
    "runs that are over and may go on": lambda store: store.secrets.of_ended(),
    "runs that have just ended": lambda store: store.run_lists.heads_ended_since(NOW - 600),
    "the oldest run that waits": lambda store: store.run_lists.oldest_queued(),
    "runs to be forgotten": lambda store: store.runs.prune(1.0),
    "requests to be forgotten": lambda store: store.requests.prune(1.0),
    "deliveries to be forgotten": lambda store: store.deliveries.prune(1.0),
    "the newest runs": lambda store: store.runs.recent(100),
    "the next page of them": lambda store: store.runs.recent(100, before=NOW),
    "a fact": lambda store: store.facts.once("instance", uuid4().hex),
}
SMALL = frozenset({"secrets", "facts", "sqlite_sequence"})
"""What has rows only while runs go on, or a few of them."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history") / "bot.db"


@pytest.fixture(scope="module")
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{path}") as store:
        await history(store.database)
        await store.runs.add(RUN)
        yield store


def read_through(path: Path, statement: str, parameters: Any) -> list[str]:
    """Tables that SQLite reads from end to end for this one, as it says itself.

    Source: https://www.sqlite.org/eqp.html
    """
    given = parameters[0] if isinstance(parameters, list) else parameters
    with closing(sqlite3.connect(path)) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
    scans = (re.match(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX ix_runs_accepted_at)", step) for step in plan)
    tables = {"runs", "requests", "deliveries", "events", "outputs", "comments", "replies", "definitions"}
    return [scan[1] for scan in scans if scan and scan[1] in tables - SMALL]


@pytest.mark.parametrize("asked", ASKED)
async def test_nothing_is_read_through(store: Store, path: Path, asked: str) -> None:
    with statements() as seen:
        await ASKED[asked](store)
    assert seen
    for statement, parameters in seen:
        assert read_through(path, statement, parameters) == [], statement


def test_what_is_read_through_is_seen(path: Path, store: Store) -> None:
    assert read_through(path, "SELECT * FROM runs WHERE actor = ?", ("alice",)) == ["runs"]


@pytest.mark.parametrize(
    "asked",
    [
        "a cap of a person",
        "runs that have just ended",
        "a pull request's runs",
        "a pull request's runs that were under way",
    ],
)
async def test_what_is_looked_up_is_narrow(store: Store, path: Path, asked: str) -> None:
    """An index that leads to all of a repository's runs, or to all that have ended, would be as good as none."""
    with statements() as seen:
        await ASKED[asked](store)
    [(statement, parameters)] = seen
    with closing(sqlite3.connect(path)) as database:
        [step, *_] = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert re.search(r"(accepted_at|ended_at)>\?|pull_request=\?\)$", step), step
