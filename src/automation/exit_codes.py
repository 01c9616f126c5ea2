"""The process's exit codes, and which one goes with a reason. Pure."""

from enum import IntEnum
from typing import assert_never

from automation.reasons import Reason


class Exit(IntEnum):
    """The process's exit codes."""

    SUCCESS = 0
    FAILED = 1
    USAGE = 2
    SERVER = 3
    RUNNING = 4
    CANCELLED = 130


def exit_code(reason: Reason) -> Exit:
    """The exit code that goes with a verdict or a refusal."""
    match reason:
        case Reason.OK:
            return Exit.SUCCESS
        case (
            Reason.EXIT_CODE
            | Reason.REPORTED
            | Reason.NO_RESULT
            | Reason.OUTPUT_LIMIT
            | Reason.TIMED_OUT
            | Reason.TAMPERED
        ):
            return Exit.FAILED
        case Reason.CANCELLED | Reason.SUPERSEDED:
            return Exit.CANCELLED
        case (
            Reason.BAD_CONFIG
            | Reason.ARCHIVE_INCOMPLETE
            | Reason.NOT_ALLOWED
            | Reason.SHA_MOVED
            | Reason.FORK_NEEDS_APPROVAL
            | Reason.FORK_NEEDS_ISOLATION
        ):
            return Exit.USAGE
        case (
            Reason.RUN_LOST
            | Reason.SERVER_LOST
            | Reason.SANDBOX_FAILED
            | Reason.SANDBOX_LIMIT
            | Reason.GITHUB_LOST
            | Reason.INTERNAL_ERROR
        ):
            return Exit.SERVER
        case _:
            assert_never(reason)
