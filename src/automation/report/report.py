"""What people read of a run: a title, a summary and the end of its output, fitted to what GitHub takes. Pure.

Everything that the automation wrote is disarmed: no mention, no image, no raw HTML of its own is live. Where
not all fits, the verdict and the first error stay, then the end of the output, then the rest.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from automation.outcome import Outcome
from automation.output.terminal import plain
from automation.reasons import Conclusion, Reason
from automation.redaction import Redactor
from automation.report.fitting import LIMIT, Keep, Section, fit
from automation.report.markdown import code, disarm, escape, fence
from automation.result import Annotation
from automation.sentences import one_line
from automation.verdict import duration

TITLE_LIMIT = 255
SHORT_OUTPUT = 20
LONG_FENCE = re.compile("`{100,}")

WORDS = {
    Conclusion.SUCCESS: "Success",
    Conclusion.FAILURE: "Failure",
    Conclusion.TIMED_OUT: "Timed out",
    Conclusion.CANCELLED: "Cancelled",
    Conclusion.ACTION_REQUIRED: "Action required",
}

ADVICE = {
    Reason.NO_RESULT: "The automation has to write what it declares to the file at `$AUTOMATION_RESULT`.",
    Reason.OUTPUT_LIMIT: "Write less, or raise the output limit.",
    Reason.TIMED_OUT: "Raise `timeout` in its `automation.yaml`, or give it less to do.",
    Reason.SERVER_LOST: "Check that the agent-server runs and can be reached, then run again.",
    Reason.RUN_LOST: "The work may be half done. Look at it, then run again.",
    Reason.GITHUB_LOST: "Nothing was started. Run again once GitHub answers.",
    Reason.INTERNAL_ERROR: (
        "Nothing is wrong with the automation. If the machine that starts it had no room, make some and run again; "
        "otherwise please report this, with the log: it is a defect of automation-action."
    ),
    Reason.TAMPERED: "Something wrote into the run's directory. Do not trust what this run did.",
}


@dataclass(frozen=True)
class Report:
    """Title (one line), summary and text (Markdown), each within GitHub's limits in bytes of UTF-8."""

    title: str
    summary: str
    text: str

    def redacted(self, redactor: Redactor) -> "Report":
        """Without secrets, also in what no run has redacted."""
        clean = redactor.text
        return Report(clean(self.title), clean(self.summary), clean(self.text))

    def as_markdown(self) -> str:
        return f"## {escape(self.title)}\n\n{self.summary}\n\n{self.text}".rstrip() + "\n"


def write_report(name: str, outcome: Outcome, *, url: str = "", limit: int = LIMIT) -> Report:
    """The report on a run of the automation `name`; `url` leads to its log, if there is one."""
    return Report(
        title=_title(outcome),
        summary=fit(list(_summary(name, outcome, url)), limit),
        text=fit(list(_text(outcome)), limit),
    )


def _title(outcome: Outcome) -> str:
    verdict = outcome.verdict
    own = verdict.result.title if verdict.result else None
    words = plain(own).split() if own else []
    title = " ".join(words) or one_line(f"{WORDS[verdict.conclusion]}: {verdict.sentence}")
    return title.encode("utf-8", "replace")[:TITLE_LIMIT].decode("utf-8", "ignore")


def _summary(name: str, outcome: Outcome, url: str) -> Iterator[Section]:
    verdict = outcome.verdict
    lines = [f"**{WORDS[verdict.conclusion]}** ({code(verdict.reason)}): {escape(verdict.sentence)}."]
    if advice := ADVICE.get(verdict.reason):
        lines.append(advice)
    yield Section("\n\n".join(lines), priority=100)
    if not verdict.is_success and outcome.output.first_error:
        yield Section(fence(plain(outcome.output.first_error)), heading="First error", priority=90)
    if verdict.result and verdict.result.summary:
        yield Section(disarm(verdict.result.summary), priority=60)
    if outcome.summary:
        yield Section(disarm(outcome.summary), priority=60)
    if not verdict.is_success and (last := outcome.output.last_lines(SHORT_OUTPUT)):
        yield Section(
            _tamed(plain("\n".join(last))), heading="Last lines", priority=70, keep=Keep.END, fenced=True
        )
    yield Section(_facts(name, outcome, url), priority=80)


def _facts(name: str, outcome: Outcome, url: str) -> str:
    verdict = outcome.verdict
    facts = [f"automation {code(name)}", f"run {code(outcome.run_id)}", f"{duration(outcome.seconds)} in all"]
    if verdict.exit_code is not None:
        facts.append(f"exit code {verdict.exit_code}")
    if verdict.result and verdict.result.cost is not None:
        facts.append(f"cost ${verdict.result.cost:.2f}")
    if url:
        facts.append(f"[log]({url})")
    notes = [f"- {escape(note)}" for note in outcome.notes]
    return "\n".join([" · ".join(facts), *(["", *notes] if notes else [])])


def _tamed(output: str) -> str:
    """Without runs of backticks so long that the fence around them would fill the report."""
    return LONG_FENCE.sub(lambda found: found.group()[:SHORT_OUTPUT] + "…", output)


def _annotations(annotations: Iterable[Annotation]) -> str:
    return "\n".join(
        f"- {each.annotation_level} {code(each.place)} {escape(each.remark)}" for each in annotations
    )


def _text(outcome: Outcome) -> Iterator[Section]:
    verdict = outcome.verdict
    if output := _tamed(plain(outcome.output.text())):
        yield Section(output, heading="Output", priority=10, keep=Keep.END, fenced=True)
    if verdict.result and verdict.result.annotations:
        yield Section(_annotations(verdict.result.annotations), heading="Annotations", priority=30)
    if log := plain(outcome.log):
        yield Section(log, heading="Runner", priority=20, keep=Keep.END, fenced=True)
