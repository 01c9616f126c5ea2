"""An end says what the outcome was, without a secret in any of its words."""

from automation.observation import Observation, Process
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.redaction import Redactor
from automation.report import Report
from automation.result import Annotation, Result
from automation.verdict import Verdict, judge
from bot.runs.end import end_by_defect, end_of

SECRET = "a-secret_with*marks"


def test_it_is_the_outcome_and_its_report_redacted() -> None:
    note = Annotation(path="a.py", start_line=3, message=SECRET)
    result = Result(title=f"Found {SECRET}", annotations=(note,))
    verdict = Verdict(Conclusion.FAILURE, Reason.EXIT_CODE, f"exit code 3 of {SECRET}", 3, result)
    end = end_of("review", Outcome("1", verdict, Excerpt()), Redactor([SECRET]), "http://bot.test/runs/1")
    assert (end.conclusion, end.reason, end.exit_code) == (Conclusion.FAILURE, Reason.EXIT_CODE, 3)
    assert end.sentence == "exit code 3 of ***"
    assert end.report == Report(end.title, end.summary, end.text)
    assert end.title == "Found ***"
    assert "http://bot.test/runs/1" in end.summary
    assert [each["path"] for each in end.annotations] == ["a.py"]
    assert "secret" not in repr(end)


def test_without_a_result_there_are_no_annotations() -> None:
    verdict = judge(Observation(process=Process.GONE))
    end = end_of("review", Outcome("1", verdict, Excerpt()), Redactor([]))
    assert (end.sentence, end.exit_code, end.annotations) == (verdict.sentence, None, ())


def test_a_defect_says_that_it_is_one() -> None:
    end = end_by_defect("ZeroDivisionError")
    assert (end.conclusion, end.reason) == (Conclusion.FAILURE, Reason.INTERNAL_ERROR)
    assert end.summary == end.sentence == "automation-bot itself failed: ZeroDivisionError"
