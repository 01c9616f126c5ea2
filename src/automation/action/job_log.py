"""The job's log: what the step says, and the automation's output as it comes, with every command in it inert.

GitHub's runner reads commands from any line of a step's output. It is told to take none before anything is
printed that is not of our making, and for each command of ours it is told to listen for just as long. The
word that makes it listen again is random and used once, so nothing that reads the log can say it.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
"""

import secrets
import time
from typing import BinaryIO

from automation.action.workflow_commands import end_group, group, resume_commands, stop_commands
from automation.run.progress import Phase
from automation.sentences import one_line
from automation.verdict import duration

BEFORE_OUTPUT = frozenset({Phase.SANDBOX, Phase.CONNECT, Phase.PREPARE, Phase.UPLOAD, Phase.START})


class JobLog:
    """Writes a step's log; `Progress` for the job log.

    Attributes:
        phase: that the run is in.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream: BinaryIO | None = stream
        self._token = ""
        self._at_line_start = True
        self._in_group = False
        self._phase: tuple[Phase, str, float] | None = None

    def commands(self, *commands: str) -> None:
        """Commands of ours, obeyed."""
        token, self._token = self._token, ""
        lines = [resume_commands(token)] if token else []
        self._print(*lines, *commands)
        self._silence()

    def say(self, sentence: str) -> None:
        """A line of ours, whatever foreign words are in it."""
        self._silence()
        self._print(one_line(sentence, 1000))

    def group(self, title: str) -> None:
        """Fold what follows, up to `end_group`."""
        self.end_group()
        self.commands(group(one_line(title)))
        self._in_group = True

    def end_group(self) -> None:
        if self._in_group:
            self._in_group = False
            self.commands(end_group())

    def enter(self, phase: Phase, detail: str = "") -> None:
        self._end_phase()
        if phase not in BEFORE_OUTPUT:
            self.end_group()
        self._phase = (phase, detail, time.monotonic())

    def note(self, sentence: str) -> None:
        self.say(f"note: {sentence}")

    def output(self, data: bytes) -> None:
        self._silence()
        self._write(data)

    def end(self) -> None:
        """The run is over: end what is open."""
        self._end_phase()
        self.end_group()

    def close(self) -> None:
        """Nothing foreign comes any more: the next step's commands are its own."""
        self.end()
        if self._token:
            self._print(resume_commands(self._token))
            self._token = ""

    def _end_phase(self) -> None:
        if self._phase is not None:
            phase, detail, began = self._phase
            self._phase = None
            self.say(f"{phase}: {duration(time.monotonic() - began)} {detail}")

    def _silence(self) -> None:
        if not self._token:
            self._token = secrets.token_hex(16)
            self._print(stop_commands(self._token))

    def _print(self, *lines: str) -> None:
        before = "" if self._at_line_start else "\n"
        self._write((before + "".join(f"{line}\n" for line in lines)).encode("utf-8", "replace"))

    def _write(self, data: bytes) -> None:
        if self._stream is None or not data:
            return
        try:
            self._stream.write(data)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads the log any more; the check run and the outputs are still to be written.
            self._stream = None
        self._at_line_start = data.endswith(b"\n")
