"""What came of a run, for everybody who reports it: plain data, redacted already. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from automation.observation import Observation
from automation.output.excerpt import Excerpt
from automation.redacted import redacted_verdict
from automation.redaction import Redactor
from automation.verdict import Verdict, judge


@dataclass(frozen=True)
class Outcome:
    """What came of a run; nothing in it holds a secret.

    Attributes:
        output: head and tail of the automation's output.
        log: what set-up on the server and the runner said.
        summary: Markdown that the automation left.
        seconds: from the call to the verdict.
        directory: the run's on the server, empty if it was never made.
        is_lost: it may still be going on: the server was lost, or did not confirm a stop.
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
    is_lost: bool = False


def outcome_of(
    run_id: str,
    seen: Observation,
    output: Excerpt,
    redactor: Redactor,
    *,
    outputs: Collection[str] = (),
    timeout: float = 0,
    seconds: float = 0,
) -> Outcome:
    """The outcome of a run that has ended, judged by what was seen of it.

    Args:
        output: redacted already; everything else is redacted here.
        outputs, timeout: see `judge`.

    Raises:
        ValueError: nothing shows that it has ended.
    """
    return Outcome(
        run_id=run_id,
        verdict=redacted_verdict(judge(seen, outputs=outputs, timeout=timeout), redactor),
        output=output,
        log=redactor.text((seen.log or b"").decode("utf-8", "replace")),
        summary=redactor.text((seen.summary or b"").decode("utf-8", "replace")),
        seconds=seconds,
        is_lost=bool(seen.lost),
    )
