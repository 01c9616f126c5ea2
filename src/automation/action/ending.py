"""What a step leaves behind for people and for the steps after it: annotations, outputs, a step summary.

Everything is redacted again here, whoever wrote it: GitHub masks the log, and neither outputs that are read by
an API nor summaries.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from automation.action.context import Context
from automation.action.inputs import FailOn
from automation.action.job_log import JobLog
from automation.action.output_file import NotWritten, append, assignment, delimiter_for
from automation.action.step_exit import step_exit_code
from automation.action.workflow_commands import annotation as annotate
from automation.github.check_run import CheckRun
from automation.outcome import Outcome
from automation.redaction import Redactor
from automation.report import Report
from automation.result import Annotation, AnnotationLevel
from automation.verdict import duration

SHOWN_ANNOTATIONS = 10
"""GitHub shows ten errors and ten warnings of a step and drops the rest without a word.

Source: https://github.com/orgs/community/discussions/26680
"""
RESULT_LIMIT = 256 * 1024


@dataclass(frozen=True)
class Ending:
    """The end of a step.

    Attributes:
        name: of the automation.
        annotations: on lines of files, from the run or from what is wrong in a definition.
        check: the check run, None if there is none.
        is_ordered: a run was ordered; without, there is no run id.
        sandbox_id: that it was in, empty for none.
    """

    outcome: Outcome
    name: str
    report: Report
    annotations: tuple[Annotation, ...] = ()
    check: CheckRun | None = None
    is_ordered: bool = True
    sandbox_id: str = ""

    def outputs(self, redactor: Redactor) -> dict[str, str]:
        """The Action's outputs, by name; nothing in them holds a secret."""
        verdict = self.outcome.verdict
        return {
            "run-id": self.outcome.run_id if self.is_ordered else "",
            "conclusion": verdict.conclusion,
            "reason": verdict.reason,
            "exit-code": "" if verdict.exit_code is None else str(verdict.exit_code),
            "check-run-id": str(self.check.id) if self.check else "",
            "check-run-url": self.check.url if self.check else "",
            "duration": f"{self.outcome.seconds:.3f}",
            "summary": redactor.text(self.report.summary),
            "result": _result(self.outcome, redactor),
            "sandbox-id": self.sandbox_id,
        }


def write_ending(ending: Ending, context: Context, log: JobLog, fail_on: FailOn, redactor: Redactor) -> int:
    """Write it all; the step's exit code."""
    verdict = ending.outcome.verdict
    code = step_exit_code(verdict.reason, fail_on)
    log.end()
    log.say(redactor.text(f"{verdict.conclusion}: {verdict.sentence} [{verdict.reason}]"))
    if ending.check is not None:
        log.say(f"check run: {ending.check.url}")
    _annotate(ending, log, redactor, is_red=bool(code))
    for path, text in (
        (context.output_file, "".join(_assignments(ending, redactor))),
        (context.summary_file, redactor.text(ending.report.as_markdown())),
    ):
        _append(path, text, log)
    return code


def _assignments(ending: Ending, redactor: Redactor) -> list[str]:
    outputs = ending.outputs(redactor).items()
    return [assignment(name, value, delimiter_for(value)) for name, value in outputs]


def _append(path: Path | None, text: str, log: JobLog) -> None:
    if path is None:
        return
    try:
        append(path, text)
    except NotWritten as error:
        log.note(str(error))


def _annotate(ending: Ending, log: JobLog, redactor: Redactor, *, is_red: bool) -> None:
    verdict = ending.outcome.verdict
    clean = redactor.text
    commands: list[str] = []
    shown = dict.fromkeys(AnnotationLevel, 0)
    if not verdict.is_success:
        level = AnnotationLevel.FAILURE if is_red else AnnotationLevel.WARNING
        shown[level] += 1
        title = f"{ending.name}: {verdict.reason}"
        commands.append(annotate(level, clean(verdict.sentence), title=clean(title)))
    left_out = 0
    for each in ending.annotations:
        shown[each.annotation_level] += 1
        if shown[each.annotation_level] > SHOWN_ANNOTATIONS:
            left_out += 1
            continue
        commands.append(
            annotate(
                each.annotation_level,
                clean(each.message),
                title=clean(each.title) if each.title else None,
                file=clean(each.path),
                line=each.start_line,
                end_line=each.end_line,
                column=each.start_column,
                end_column=each.end_column,
            )
        )
    if commands:
        log.commands(*commands)
    if left_out:
        log.note(f"{left_out} more annotations are in the check run and in the result")
    log.say(f"{duration(ending.outcome.seconds)} in all")


def _result(outcome: Outcome, redactor: Redactor) -> str:
    """The automation's own result as JSON; without its annotations where it would be too large for a step.

    It is redacted before it becomes JSON: a secret may look like a number or a key.
    """
    result = outcome.verdict.result
    if result is None:
        return ""
    document = {key: redactor.value(value) for key, value in result.model_dump(mode="json").items()}
    for left_out in ((), ("annotations",), ("annotations", "summary"), ("annotations", "summary", "outputs")):
        text = json.dumps({key: value for key, value in document.items() if key not in left_out})
        if len(text) <= RESULT_LIMIT:
            return text
    return ""
