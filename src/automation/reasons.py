"""The closed vocabulary of outcomes: a conclusion in GitHub's words and the reason that goes with it.

The words are stable: they stand in check runs, outputs and logs, and other people's tools match on them.
"""

from enum import StrEnum


class Conclusion(StrEnum):
    """How a check run ends. A subset of GitHub's: `neutral` and `skipped` satisfy a required check, so
    nothing that did not run may carry them.

    Source: https://docs.github.com/en/rest/checks/runs#create-a-check-run
    """

    SUCCESS = "success"
    FAILURE = "failure"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    ACTION_REQUIRED = "action_required"


class Reason(StrEnum):
    """Why a run has its conclusion, or why a request was refused."""

    OK = "ok"
    REPORTED = "reported"
    NO_RESULT = "no-result"
    EXIT_CODE = "exit-code"
    OUTPUT_LIMIT = "output-limit"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    RUN_LOST = "run-lost"
    SERVER_LOST = "server-lost"
    SANDBOX_FAILED = "sandbox-failed"
    SANDBOX_LIMIT = "sandbox-limit"
    TAMPERED = "tampered"
    GITHUB_LOST = "github-lost"
    NOT_ALLOWED = "not-allowed"
    SHA_MOVED = "sha-moved"
    FORK_NEEDS_APPROVAL = "fork-needs-approval"
    FORK_NEEDS_ISOLATION = "fork-needs-isolation"
    BAD_CONFIG = "bad-config"
    ARCHIVE_INCOMPLETE = "archive-incomplete"
    INTERNAL_ERROR = "internal-error"
