"""What a person sees of a run: phases with their times on standard error, the automation's output on standard output.

Colour and weight only in a terminal; piped, the same lines are plain. With `--json` the output goes to
standard error, too, and standard output holds the one document.
"""

import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from automation.outcome import Outcome
from automation.reasons import Conclusion
from automation.run.progress import Phase
from automation.sentences import one_line
from automation.verdict import Verdict, duration

if TYPE_CHECKING:
    from collections.abc import Callable

STYLES = {
    Conclusion.SUCCESS: "bold green",
    Conclusion.FAILURE: "bold red",
    Conclusion.TIMED_OUT: "bold red",
    Conclusion.CANCELLED: "bold yellow",
    Conclusion.ACTION_REQUIRED: "bold yellow",
}


class _Console(Console):
    """Says nothing more once nobody reads it; what is going on has to be ended in order."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Display:
    """A run's progress on the terminal; `Progress` for people.

    Attributes:
        on_closed: called once if the output cannot be written any more.
    """

    def __init__(self, output: TextIO | None, *, quiet: bool = False) -> None:
        self.on_closed: Callable[[], None] = lambda: None
        self._console = _Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
        self._output = output.buffer if output is not None else None
        self._at_line_start = True
        self._phase: tuple[str, str, float] | None = None

    def head(self, sentence: str) -> None:
        self._console.print(Text(one_line(sentence), style="bold"))

    def enter(self, phase: Phase, detail: str = "") -> None:
        self._end_phase()
        self._phase = (phase, detail, time.monotonic())

    def output(self, data: bytes) -> None:
        self._write(data)

    def note(self, sentence: str) -> None:
        self._end_line()
        self._console.print(Text(f"  note      {one_line(sentence)}", style="dim"))

    def end(self) -> None:
        """The run is over: end what is open."""
        self._end_phase()

    def verdict(self, verdict: Verdict, outcome: Outcome) -> None:
        """The last lines: what became of it and where to look."""
        self._end_line()
        line = Text.assemble(
            (verdict.conclusion.replace("_", " "), STYLES[verdict.conclusion]),
            f"  {verdict.sentence}",
            (f"  [{verdict.reason}]", "dim"),
        )
        self._console.print(line)
        result = verdict.result
        if result is not None and result.title:
            self._console.print(Text(f"  {one_line(result.title)}"))
        for annotation in result.annotations if result else ():
            remark = one_line(f"{annotation.place}: {annotation.remark}")
            self._console.print(Text(f"  {annotation.annotation_level:8}  {remark}"))
        if not verdict.is_success and outcome.output.first_error:
            self._console.print(Text(f"  first error in the output: {outcome.output.first_error}"))
        self._console.print(Text(f"  run {outcome.run_id}, {duration(outcome.seconds)} in all", style="dim"))

    def _write(self, data: bytes) -> None:
        if self._output is None or not data:
            return
        try:
            self._output.write(data)
            self._output.flush()
        except (OSError, ValueError):
            # Nobody reads any more, or the disk is full.
            self._output = None
            self.on_closed()
        self._at_line_start = data.endswith(b"\n")

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write(b"\n")

    def _end_phase(self) -> None:
        if self._phase is not None:
            self._end_line()
            phase, detail, began = self._phase
            took = duration(time.monotonic() - began)
            self._console.print(Text(f"  {phase:8}  {took:>6}  {detail}".rstrip(), style="dim"))
            self._phase = None
