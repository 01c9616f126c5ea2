"""What a step leaves behind says how it ended, to people and to the steps after it, and holds no secret."""

import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from automation.action.context import Context
from automation.action.ending import RESULT_LIMIT, SHOWN_ANNOTATIONS, Ending, write_ending
from automation.action.inputs import FailOn
from automation.action.job_log import JobLog
from automation.github.check_run import CheckRun
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.redaction import Redactor
from automation.report import Report
from automation.result import Annotation, AnnotationLevel, Result
from automation.run.progress import Phase
from automation.verdict import Verdict
from tests.workflow import read_outputs

RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
FAILED = Verdict(Conclusion.FAILURE, Reason.EXIT_CODE, "the automation failed: exit code 3", 3)
SUCCEEDED = Verdict(Conclusion.SUCCESS, Reason.OK, "succeeded in 0.9 s", 0)
REPORT = Report("Failure: exit code 3", "**Failure**\n\nmore", "```text\nbye\n```")
CHECK = CheckRun(77, "guard", "a" * 40, "completed", "x", url="https://github.com/octo/demo/runs/77")
SECRET = 's3cr3t-\u00fc"\\-w\u00f6rd'
OUTPUTS = {
    "run-id",
    "conclusion",
    "reason",
    "exit-code",
    "check-run-id",
    "check-run-url",
    "duration",
    "summary",
    "result",
    "sandbox-id",
}


@dataclass
class Left:
    """What a step has left."""

    code: int
    log: str
    output: str
    summary: str

    @property
    def outputs(self) -> dict[str, str]:
        return read_outputs(self.output)

    @property
    def annotations(self) -> list[str]:
        return [line for line in self.log.splitlines() if re.match(r"::(error|warning|notice)[ :]", line)]

    def all_of(self, level: str) -> list[str]:
        return [line for line in self.annotations if line.startswith(f"::{level}")]


def ending(verdict: Verdict = FAILED, **changes: Any) -> Ending:
    outcome = Outcome(RUN, verdict, Excerpt(), seconds=1.25)
    return replace(Ending(outcome, "Changelog guard", REPORT, check=CHECK), **changes)


def leave(
    tmp_path: Path, ending: Ending, fail_on: FailOn = FailOn.FAILURE, secrets: tuple[str, ...] = ()
) -> Left:
    output, summary = tmp_path / "output", tmp_path / "summary"
    for file in (output, summary):
        file.write_text("")
    stream = io.BytesIO()
    log = JobLog(stream)
    context = Context("octo/demo", output_file=output, summary_file=summary)
    code = write_ending(ending, context, log, fail_on, Redactor(secrets))
    log.close()
    return Left(code, stream.getvalue().decode(), output.read_bytes().decode(), summary.read_bytes().decode())


def annotations(count: int, level: AnnotationLevel = AnnotationLevel.WARNING) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(path="a.py", start_line=number, annotation_level=level, message=f"m{number}")
        for number in range(1, count + 1)
    )


def test_everything_is_there_for_the_next_step(tmp_path: Path) -> None:
    result = Result(conclusion="failure", outputs={"changed": ["a"]}, cost=0.5)
    outputs = leave(tmp_path, ending(replace(FAILED, result=result))).outputs
    assert outputs | {"result": ""} == {
        "run-id": RUN,
        "conclusion": "failure",
        "reason": "exit-code",
        "exit-code": "3",
        "check-run-id": "77",
        "check-run-url": CHECK.url,
        "duration": "1.250",
        "summary": REPORT.summary,
        "result": "",
        "sandbox-id": "",
    }
    document = json.loads(outputs["result"])
    assert document["outputs"] == {"changed": ["a"]}
    assert document["conclusion"] == "failure"
    assert document["annotations"] == []


def test_what_there_is_not_is_empty(tmp_path: Path) -> None:
    bare = ending(replace(FAILED, exit_code=None), check=None, is_ordered=False)
    outputs = leave(tmp_path, bare).outputs
    assert set(outputs) == OUTPUTS
    empty = {name for name, value in outputs.items() if not value}
    assert empty == {"run-id", "exit-code", "check-run-id", "check-run-url", "result", "sandbox-id"}


def test_exit_code_zero_is_not_nothing(tmp_path: Path) -> None:
    assert leave(tmp_path, ending(SUCCEEDED)).outputs["exit-code"] == "0"


def test_a_success_is_quiet(tmp_path: Path) -> None:
    left = leave(tmp_path, ending(SUCCEEDED))
    assert left.code == 0
    assert left.annotations == []
    assert "success: succeeded in 0.9 s [ok]" in left.log
    assert f"check run: {CHECK.url}" in left.log


def test_a_failure_is_an_error_with_the_automations_name(tmp_path: Path) -> None:
    left = leave(tmp_path, ending())
    assert left.code == 1
    assert left.annotations == [
        "::error title=Changelog guard%3A exit-code::the automation failed: exit code 3"
    ]
    assert "failure: the automation failed: exit code 3 [exit-code]" in left.log
    assert "1.2 s in all" in left.log


VERDICTS = [
    (Conclusion.FAILURE, Reason.EXIT_CODE, 1),
    (Conclusion.TIMED_OUT, Reason.TIMED_OUT, 1),
    (Conclusion.CANCELLED, Reason.CANCELLED, 130),
    (Conclusion.ACTION_REQUIRED, Reason.NOT_ALLOWED, 2),
    (Conclusion.FAILURE, Reason.SERVER_LOST, 3),
    (Conclusion.FAILURE, Reason.BAD_CONFIG, 2),
    (Conclusion.FAILURE, Reason.ARCHIVE_INCOMPLETE, 2),
]
MISCONFIGURED = {Reason.BAD_CONFIG, Reason.ARCHIVE_INCOMPLETE}


@pytest.mark.parametrize(("conclusion", "reason", "code"), VERDICTS)
def test_the_step_fails_with_the_verdict(
    tmp_path: Path, conclusion: Conclusion, reason: Reason, code: int
) -> None:
    left = leave(tmp_path, ending(Verdict(conclusion, reason, "so it was")))
    assert left.code == code
    assert len(left.all_of("error")) == 1
    assert (left.outputs["conclusion"], left.outputs["reason"]) == (conclusion, reason)


@pytest.mark.parametrize(("conclusion", "reason", "code"), VERDICTS)
def test_a_workflow_that_goes_on_gets_a_warning(
    tmp_path: Path, conclusion: Conclusion, reason: Reason, code: int
) -> None:
    left = leave(tmp_path, ending(Verdict(conclusion, reason, "so it was")), FailOn.NEVER)
    is_red = reason in MISCONFIGURED
    assert left.code == (code if is_red else 0)
    assert len(left.all_of("error")) == is_red
    assert len(left.all_of("warning")) == (not is_red)
    assert (left.outputs["conclusion"], left.outputs["reason"]) == (conclusion, reason), (
        "the truth all the same"
    )


def test_an_annotation_says_where(tmp_path: Path) -> None:
    everything = Annotation(
        path="src/a,b.py",
        start_line=3,
        end_line=3,
        start_column=2,
        end_column=5,
        annotation_level=AnnotationLevel.NOTICE,
        message="100 %\nof it",
        title="a: b",
        raw_details="not in the log",
    )
    plain = Annotation(path="b.py", start_line=1, message="m")
    assert leave(tmp_path, ending(SUCCEEDED, annotations=(everything, plain))).annotations == [
        "::notice title=a%3A b,file=src/a%2Cb.py,line=3,endLine=3,col=2,endColumn=5::100 %25%0Aof it",
        "::warning file=b.py,line=1::m",
    ]


@pytest.mark.parametrize("level", AnnotationLevel)
@pytest.mark.parametrize("count", [9, 10, 11, 600])
def test_no_more_are_written_than_github_shows(tmp_path: Path, level: AnnotationLevel, count: int) -> None:
    left = leave(tmp_path, ending(SUCCEEDED, annotations=annotations(count, level)))
    assert len(left.annotations) == min(count, SHOWN_ANNOTATIONS) == len(set(left.annotations))
    more = f"note: {count - SHOWN_ANNOTATIONS} more annotations are in the check run and in the result"
    assert (more in left.log) is (count > SHOWN_ANNOTATIONS)


def test_each_level_has_its_own_ten_and_the_verdict_is_one_of_them(tmp_path: Path) -> None:
    each = tuple(note for level in AnnotationLevel for note in annotations(11, level))
    left = leave(tmp_path, ending(annotations=each))
    assert [len(left.all_of(level)) for level in ("error", "warning", "notice")] == [10, 10, 10]
    assert left.annotations[0].endswith("the automation failed: exit code 3")
    assert "note: 4 more annotations" in left.log
    left = leave(tmp_path, ending(annotations=each), FailOn.NEVER)
    assert [len(left.all_of(level)) for level in ("error", "warning", "notice")] == [10, 10, 10]


def test_the_summary_is_the_report(tmp_path: Path) -> None:
    assert leave(tmp_path, ending()).summary == REPORT.as_markdown()


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    context = Context("octo/demo", output_file=tmp_path / "o", summary_file=tmp_path / "s")
    for name, text in (("o", "earlier=1\n"), ("s", "# Earlier")):
        (tmp_path / name).write_text(text)
    write_ending(ending(), context, JobLog(io.BytesIO()), FailOn.FAILURE, Redactor([]))
    assert (tmp_path / "o").read_text().startswith("earlier=1\nrun-id<<")
    assert (tmp_path / "s").read_text() == f"# Earlier\n{REPORT.as_markdown()}"


@pytest.mark.parametrize("secret", [SECRET, "hunter22", "first-line\nsecond-line"])
def test_no_secret_is_in_anything_that_is_written(tmp_path: Path, secret: str) -> None:
    """Also where nobody has redacted it before."""
    said = f"before {secret} after"
    note = Annotation(
        path=f"{secret}.py",
        start_line=1,
        annotation_level=AnnotationLevel.FAILURE,
        message=said,
        title=said,
        raw_details=said,
    )
    result = Result(
        conclusion="failure",
        title=said,
        summary=said,
        annotations=(note,),
        outputs={said: [said, {"x": said}]},
    )
    left = leave(
        tmp_path,
        ending(
            Verdict(Conclusion.FAILURE, Reason.REPORTED, said, 0, result),
            name=said,
            report=Report(said, said, said),
            annotations=(note,),
        ),
        secrets=(secret,),
    )
    everything = left.log + left.output + left.summary + json.dumps(left.outputs)
    spoken = [everything, *(repr(json.loads(left.outputs["result"])))]
    for part in secret.splitlines():
        for form in (
            part,
            json.dumps(part)[1:-1],
            json.dumps(part, ensure_ascii=False)[1:-1],
            part.replace("\n", "%0A"),
        ):
            assert not [text for text in spoken if form in text]
    assert "before *** after" in left.log
    assert "before *** after" in left.summary
    assert left.outputs["summary"] == "before *** after"


@pytest.mark.parametrize("secret", ["1234", "null", "true", "12.34", "start_line"])
def test_the_result_is_json_whatever_the_secrets_are(tmp_path: Path, secret: str) -> None:
    note = Annotation(path="a.py", start_line=1234, message="m")
    result = Result(annotations=(note,), outputs={"n": 91234, "x": None, "y": True}, cost=12.34)
    left = leave(tmp_path, ending(replace(SUCCEEDED, result=result)), secrets=(secret,))
    document = json.loads(left.outputs["result"])
    assert secret in {"null", "true"} or secret not in left.outputs["result"]
    assert "outputs" in document


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        (Result(outputs={"a": 1}), {"conclusion", "title", "summary", "annotations", "outputs", "cost"}),
        (
            Result(outputs={"a": 1}, annotations=annotations(5000)),
            {"conclusion", "title", "summary", "outputs", "cost"},
        ),
        (
            Result(outputs={"a": 1}, annotations=annotations(1), summary="s" * RESULT_LIMIT),
            {"conclusion", "title", "outputs", "cost"},
        ),
        (Result(outputs={"a": "o" * RESULT_LIMIT}), {"conclusion", "title", "cost"}),
        (Result(title="t" * RESULT_LIMIT), set()),
    ],
    ids=["small", "many annotations", "a long summary", "long outputs", "a long title"],
)
def test_a_result_is_as_much_as_a_step_can_pass_on(tmp_path: Path, result: Result, kept: set[str]) -> None:
    text = leave(tmp_path, ending(replace(SUCCEEDED, result=result))).outputs["result"]
    assert len(text.encode()) <= RESULT_LIMIT
    assert set(json.loads(text or "{}")) == kept


def test_foreign_words_are_no_commands(tmp_path: Path) -> None:
    evil = "x\n::add-mask::y\r##[add-path]z"
    left = leave(
        tmp_path,
        ending(
            Verdict(Conclusion.FAILURE, Reason.REPORTED, evil),
            name=evil,
            annotations=(Annotation(path=evil, start_line=1, message=evil, title=evil),),
            report=Report(evil, evil, evil),
        ),
    )
    assert len(left.annotations) == 2
    assert not re.search(r"(^|[\r\n])::add-mask", left.log)
    assert set(left.outputs) == OUTPUTS
    assert left.outputs["summary"] == evil


def test_no_value_can_become_another_output(tmp_path: Path) -> None:
    evil = "x\nconclusion=success\nreason<<E\nok\nE"
    left = leave(tmp_path, ending(report=Report("t", evil, "")))
    assert left.outputs["summary"] == evil
    assert left.outputs["conclusion"] == "failure"


def test_what_is_open_in_the_log_is_ended_first(tmp_path: Path) -> None:
    stream = io.BytesIO()
    log = JobLog(stream)
    log.group("Preparing the run")
    log.enter(Phase.CONNECT, "there")
    write_ending(ending(), Context("octo/demo"), log, FailOn.FAILURE, Redactor([]))
    text = stream.getvalue().decode()
    assert text.index("connect: ") < text.index("::endgroup::") < text.index("failure: the automation failed")


def test_outside_of_a_step_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    code = write_ending(ending(), Context("octo/demo"), JobLog(stream), FailOn.FAILURE, Redactor([]))
    assert code == 1
    assert list(tmp_path.iterdir()) == []
    assert b"note:" not in stream.getvalue()


@pytest.mark.parametrize("broken", ["output", "summary"])
def test_a_file_that_cannot_be_written_is_said_and_the_rest_is_written(tmp_path: Path, broken: str) -> None:
    (tmp_path / broken).mkdir()
    whole = "summary" if broken == "output" else "output"
    stream = io.BytesIO()
    context = Context("octo/demo", output_file=tmp_path / "output", summary_file=tmp_path / "summary")
    assert write_ending(ending(), context, JobLog(stream), FailOn.FAILURE, Redactor([])) == 1
    assert re.search(rf"note: .*{broken} cannot be written", stream.getvalue().decode())
    assert (tmp_path / whole).read_text()
