"""What a run tells while it goes on, to whoever shows it: phases, output, notes."""

from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """The stations of a run, in their order; `SANDBOX` where it gets one."""

    SANDBOX = "sandbox"
    CONNECT = "connect"
    PREPARE = "prepare"
    UPLOAD = "upload"
    START = "start"
    RUN = "run"
    STOP = "stop"
    COLLECT = "collect"
    RELEASE = "release"


class Progress(Protocol):
    """Listens to a run. Its methods return quickly and do not fail."""

    def enter(self, phase: Phase, detail: str = "") -> None:
        """The run is now in this phase."""

    def output(self, data: bytes) -> None:
        """The automation's next bytes of output, redacted."""

    def note(self, sentence: str) -> None:
        """Something that the reader should know and that is no error."""


class Silent:
    """Shows nothing."""

    def enter(self, phase: Phase, detail: str = "") -> None:
        pass

    def output(self, data: bytes) -> None:
        pass

    def note(self, sentence: str) -> None:
        pass
