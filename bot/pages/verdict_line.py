"""How a run stands, in a word, a colour and a sentence. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from automation.reasons import Conclusion
from automation.report.report import WORDS
from automation.sentences import one_line
from bot.runs.run import End, Run, State


class Tone(StrEnum):
    """What a page's colour says; never the only thing that says it."""

    WAITING = "waiting"
    ACTIVE = "active"
    GOOD = "good"
    BAD = "bad"
    STOPPED = "stopped"
    ASKING = "asking"


MARKS = {
    Tone.WAITING: "◷",
    Tone.ACTIVE: "●",
    Tone.GOOD: "✓",
    Tone.BAD: "✗",
    Tone.STOPPED: "⊘",
    Tone.ASKING: "!",
}
_TONES = {
    Conclusion.SUCCESS: Tone.GOOD,
    Conclusion.FAILURE: Tone.BAD,
    Conclusion.TIMED_OUT: Tone.BAD,
    Conclusion.CANCELLED: Tone.STOPPED,
    Conclusion.ACTION_REQUIRED: Tone.ASKING,
}


@dataclass(frozen=True)
class VerdictLine:
    """What a reader has to see first.

    Attributes:
        reason: the machine's word, empty until there is a verdict.
        title: the automation's own words, empty if it left none or only our sentence.
    """

    tone: Tone
    word: str
    sentence: str
    reason: str = ""
    title: str = ""

    @property
    def mark(self) -> str:
        return MARKS[self.tone]


def verdict_line(run: Run) -> VerdictLine:
    """How the run stands now."""
    if run.end is not None:
        return _ended(run.end)
    if run.stop_by:
        return VerdictLine(Tone.STOPPED, "Being stopped", f"asked for by {one_line(run.stop_by)}")
    match run.state:
        case State.QUEUED:
            return VerdictLine(Tone.WAITING, "Waiting", f"for {run.waits_for}")
        case State.STARTING:
            return VerdictLine(Tone.ACTIVE, "Starting", "on the server")
        case State.RUNNING:
            return VerdictLine(Tone.ACTIVE, "Running", "on the server")
        case State.CONCLUDING | State.ENDED:
            return VerdictLine(Tone.STOPPED, "Over", "its verdict is not known here")
        case _:
            assert_never(run.state)


def _ended(end: End) -> VerdictLine:
    word, sentence, title = WORDS[end.conclusion], one_line(end.sentence), one_line(end.title)
    is_ours = title in ("", sentence, one_line(f"{word}: {sentence}"))
    return VerdictLine(_TONES[end.conclusion], word, sentence, end.reason, "" if is_ours else title)
