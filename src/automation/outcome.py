"""What came of a run, for everybody who reports it: plain data, redacted already. Pure."""

from dataclasses import dataclass

from automation.output.excerpt import Excerpt
from automation.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """What came of a run; nothing in it holds a secret.

    Attributes:
        output: head and tail of the automation's output.
        log: what set-up on the server and the runner said.
        summary: Markdown that the automation left.
        seconds: from the call to the verdict.
        directory: the run's on the server, empty if it was never made.
    """

    run_id: str
    verdict: Verdict
    output: Excerpt
    log: str = ""
    summary: str = ""
    seconds: float = 0
    directory: str = ""
    command_id: str | None = None
    notes: tuple[str, ...] = ()
