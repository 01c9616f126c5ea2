"""What is asked of a database: each statement, with what it was given, and a history of runs to be asked about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, event

from automation.reasons import Conclusion, Reason
from bot.runs.run import End, Run, State
from bot.store import Database
from bot.store.run_row import row_of
from bot.store.schema import runs
from tests.bot.store.rows import NOW, a_run

BEGINNINGS = ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")
ENDED = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3, "Failed", "It failed.", "x" * 2000)
ROWS = 5000


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """All that are executed meanwhile, in this process."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if not statement.startswith(BEGINNINGS):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def history(database: Database, *, count: int = ROWS, now: float = NOW, **changes: Any) -> None:
    """So many runs that have ended, one a minute up to an hour ago, on fifty pull requests."""
    async with database.writing() as connection:
        rows = [row_of(past(number, now, changes)) for number in range(count)]
        await connection.execute(runs.insert(), rows)


def past(number: int, now: float, changes: dict[str, Any]) -> Run:
    """The one of that number."""
    at = now - 3600 - 60 * number
    usual: dict[str, Any] = {
        "id": UUID(int=number + 1),
        "pull_request": number % 50,
        "head_sha": f"{number:040x}",
        "lane": f"lane {number % 50}",
        "actor": "alice",
        "state": State.ENDED,
        "end": ENDED,
        "check_id": number + 1,
        "accepted_at": at,
        "started_at": at,
        "ended_at": at,
    }
    return a_run(**(usual | changes))
