"""Each reason has one exit code, and only success is 0: scripts rely on the numbers."""

import pytest

from automation.exit_codes import Exit, exit_code
from automation.reasons import Reason

CODES = {
    0: {Reason.OK},
    1: {
        Reason.EXIT_CODE,
        Reason.REPORTED,
        Reason.NO_RESULT,
        Reason.OUTPUT_LIMIT,
        Reason.TIMED_OUT,
        Reason.TAMPERED,
    },
    2: {
        Reason.BAD_CONFIG,
        Reason.ARCHIVE_INCOMPLETE,
        Reason.NOT_ALLOWED,
        Reason.SHA_MOVED,
        Reason.FORK_NEEDS_APPROVAL,
        Reason.FORK_NEEDS_ISOLATION,
    },
    3: {
        Reason.RUN_LOST,
        Reason.SERVER_LOST,
        Reason.SANDBOX_FAILED,
        Reason.SANDBOX_LIMIT,
        Reason.GITHUB_LOST,
        Reason.INTERNAL_ERROR,
    },
    130: {Reason.CANCELLED, Reason.SUPERSEDED},
}


@pytest.mark.parametrize(
    ("code", "reason"), [(code, reason) for code, reasons in CODES.items() for reason in sorted(reasons)]
)
def test_the_code_of_a_reason(code: int, reason: Reason) -> None:
    assert exit_code(reason) == code


def test_every_reason_has_one() -> None:
    assert set().union(*CODES.values()) == set(Reason)
    assert {exit_code(reason) for reason in Reason} == set(Exit) - {Exit.RUNNING}


def test_the_numbers_stay() -> None:
    assert {code.name: code.value for code in Exit} == {
        "SUCCESS": 0,
        "FAILED": 1,
        "USAGE": 2,
        "SERVER": 3,
        "RUNNING": 4,
        "CANCELLED": 130,
    }
