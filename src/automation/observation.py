"""What was seen of a run on its server: plain data, from which the verdict is computed. Pure.

Two witnesses speak of an end: `status.json`, which the runner writes into the run's directory, and the
server's own record of the command. They have to agree, because a run can write into its directory.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

LARGEST = 2**53


class Cause(StrEnum):
    """What brought the run to its end, in the runner's words."""

    EXITED = "exited"
    TIMED_OUT = "timed-out"
    OUTPUT_LIMIT = "output-limit"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    TERMINATED = "terminated"
    UNPACK_FAILED = "unpack-failed"
    ABANDONED = "abandoned"


class Presence(StrEnum):
    """What stands at a file's name: nothing, a file, or something that cannot be read as one."""

    NONE = "none"
    FILE = "file"
    OTHER = "other"


class Escaped(BaseModel):
    """A process of the run that left its process group and outlived it."""

    model_config = ConfigDict(frozen=True)

    pid: int
    name: str


class Status(BaseModel):
    """The content of `status.json`.

    Attributes:
        phase: where it ended: `unpack`, `set-up` or `entrypoint`.
        started, ended: Unix time by the server's clock, in seconds.
        milliseconds: duration by the server's monotonic clock.
        output: size of output.log in bytes.
        result, summary, log: whether these files are there.
        outputs: names that the run had to report.
        left: processes of the group had to be ended after the entrypoint.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1]
    run: str
    cause: Cause
    phase: str
    exit_code: int
    started: int = Field(ge=0, le=LARGEST)
    ended: int = Field(ge=0, le=LARGEST)
    milliseconds: int = Field(ge=0, le=LARGEST)
    output: int = Field(ge=0, le=LARGEST)
    result: Presence
    summary: Presence
    log: Presence
    outputs: tuple[str, ...] = ()
    left: bool
    escaped: tuple[Escaped, ...] = ()


@dataclass(frozen=True)
class Record:
    """The server's own record of the command: its exit code and the line that the runner printed."""

    exit_code: int
    line: str = ""
    stderr: str = ""

    @property
    def is_timeout(self) -> bool:
        """The server ended it at its own limit: -1, which also stands for a command that never started."""
        return self.exit_code == -1 and not self.stderr.startswith("Error executing command")

    def confirms(self, status_line: str, status: Status) -> bool:
        """Whether this record and `status.json` tell of the same end."""
        return self.exit_code == status.exit_code and self.line.strip() == status_line.strip()


class Process(StrEnum):
    """What a look at the server's machine showed of the run's runner."""

    ALIVE = "alive"
    GONE = "gone"
    NEVER_STARTED = "never-started"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Observation:
    """Everything known of a run.

    Attributes:
        run: the key of the run that was looked for; empty if it does not matter.
        status_line: `status.json` as it was read; empty if there is none.
        record: the server's record, None if there is none (it does not survive a restart of the server).
        lost: what was tried before the server was given up; empty while it answers. With `stopped_by`: why
            it is not known that the stop worked.
        stopped_by: who had the run stopped, for the reader; empty if nobody of us did.
    """

    status_line: str = ""
    record: Record | None = None
    process: Process = Process.UNKNOWN
    lost: str = ""
    stopped_by: str = ""
    result: bytes | None = field(default=None, repr=False)
    summary: bytes | None = field(default=None, repr=False)
    log: bytes | None = field(default=None, repr=False)
    run: str = ""

    @property
    def status(self) -> Status | None:
        """`status.json` read; None if it is missing or is not what the runner writes."""
        try:
            return Status.model_validate_json(self.status_line) if self.status_line else None
        except ValidationError:
            return None

    def with_result(self, result: bytes | None) -> "Observation":
        return replace(self, result=result)
