"""What is due about a check run, told as a table."""

from dataclasses import replace
from uuid import uuid4

import pytest

from automation.external_id import ExternalId, Face
from automation.github.check_run import CheckRun
from automation.reasons import Conclusion, Reason
from bot.runs.run import End, Run, State
from bot.watchdog.decision import Due, due

OURS = "0123456789abcdef"
RUN = Run(uuid4(), "octo/demo", 1, "hello", "hello", "d" * 40, "e" * 40, attempt=2)
ENDED = replace(RUN, state=State.ENDED, end=End(Conclusion.SUCCESS, Reason.OK, "fine"))


def check(status: str = "in_progress", **changes: object) -> CheckRun:
    keys = replace(ExternalId(Face.BOT, OURS, RUN.id, 2, 1800000000), **changes)  # type: ignore[arg-type]
    return CheckRun(1, "hello", RUN.head_sha, status, str(keys))


@pytest.mark.parametrize(
    ("check", "run", "expected"),
    [
        (check(), ENDED, Due.CONCLUDE_AGAIN),
        (check("queued"), ENDED, Due.CONCLUDE_AGAIN),
        (check("completed"), ENDED, Due.LEAVE),
        (check(), RUN, Due.LEAVE),
        (check(), replace(RUN, state=State.RUNNING), Due.LEAVE),
        (check(), replace(ENDED, state=State.CONCLUDING), Due.LEAVE),
        (check(), replace(ENDED, end=None), Due.LEAVE),
        (check(), None, Due.LOSE),
        (check("completed"), None, Due.LEAVE),
        (check(attempt=1), ENDED, Due.LOSE),
        (check(instance="another"), None, Due.LEAVE),
        (check(face=Face.ACTION), None, Due.LEAVE),
        (check(face=Face.CLI), ENDED, Due.LEAVE),
        (replace(check(), external_id="somebody's"), None, Due.LEAVE),
        (replace(check(), external_id=""), None, Due.LEAVE),
    ],
)
def test_what_is_due(check: CheckRun, run: Run | None, expected: Due) -> None:
    assert due(check, OURS, run) is expected
