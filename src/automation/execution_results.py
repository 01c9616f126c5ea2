"""What the public functions answer with."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        stdout: the automation's merged output: first 256 KiB and last 1 MiB, `truncated` if that is not all.
        stderr: what set-up on the server and the runner said.
        error: the verdict's sentence where it is not a success.
        reason: the verdict's reason, for machines.
    """

    success: bool
    sandbox_id: str | None = None
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    reason: str = ""
    truncated: bool = False


@dataclass(frozen=True)
class DispatchResult:
    """Whether a run was started."""

    success: bool
    sandbox_id: str | None = None
    command_id: str | None = None
    error: str | None = None


class RunState(StrEnum):
    """What became of a dispatched run.

    `UNKNOWN`: its server knows none of this id. `UNREACHABLE`: not to be told now. `GONE`: its sandbox is gone, and
    what was known of it with it.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    RUNNING = "running"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    GONE = "environment-gone"


@dataclass(frozen=True)
class RunStatus:
    """A run as it is now; `reason` and `exit_code` once it has ended."""

    state: RunState
    exit_code: int | None = None
    reason: str = ""
    error: str | None = None
