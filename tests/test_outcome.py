"""An outcome is judged by what was seen, and nothing in it holds a secret."""

import json
from dataclasses import replace
from typing import Any

import pytest

from automation.observation import Observation, Process
from automation.outcome import Outcome, outcome_of
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.redaction import Redactor
from automation.result import AnnotationLevel, parse_result

RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
SECRET = "hunter2-and-more"
RESULT = {
    "conclusion": "failure",
    "title": f"title {SECRET}",
    "summary": f"summary {SECRET}",
    "annotations": [
        {
            "path": f"{SECRET}.py",
            "start_line": 3,
            "end_line": 4,
            "annotation_level": "failure",
            "message": f"message {SECRET}",
            "title": f"title {SECRET}",
            "raw_details": f"details {SECRET}",
        },
        {"path": "a.py", "start_line": 1, "message": "m"},
    ],
    "outputs": {f"key {SECRET}": [f"value {SECRET}", {"x": SECRET}, 5, None, True]},
    "cost": 0.5,
}


def status(**changes: Any) -> str:
    document = {
        "version": 1,
        "run": RUN,
        "cause": "exited",
        "phase": "entrypoint",
        "exit_code": 0,
        "started": 1,
        "ended": 2,
        "milliseconds": 900,
        "output": 0,
        "result": "none",
        "summary": "none",
        "log": "none",
        "left": False,
    }
    return json.dumps(document | changes)


def outcome(seen: Observation, secrets: tuple[str, ...] = (), **options: Any) -> Outcome:
    return outcome_of(RUN, seen, Excerpt(), Redactor(secrets), **options)


def test_what_was_seen_is_judged() -> None:
    output = Excerpt()
    found = outcome_of(RUN, Observation(status()), output, Redactor([]), seconds=1.5)
    assert (found.verdict.conclusion, found.verdict.reason) == (Conclusion.SUCCESS, Reason.OK)
    assert found.verdict.exit_code == 0
    assert found.output is output
    assert (found.run_id, found.seconds, found.log, found.summary) == (RUN, 1.5, "", "")
    assert not found.is_lost


def test_what_was_declared_has_to_be_there() -> None:
    assert outcome(Observation(status()), outputs=("report",)).verdict.reason is Reason.NO_RESULT


def test_the_deadline_is_named() -> None:
    verdict = outcome(Observation(status(cause="timed-out", exit_code=143)), timeout=600).verdict
    assert verdict.sentence == "the run was ended at its deadline of 10 min 0 s"


@pytest.mark.parametrize(
    ("seen", "is_lost"),
    [
        (Observation(status()), False),
        (Observation(process=Process.GONE), False),
        (Observation(process=Process.GONE, stopped_by="alice"), False),
        (Observation(process=Process.NEVER_STARTED), False),
        (Observation(lost="no answer"), True),
        (Observation(lost="no answer", stopped_by="alice"), True),
    ],
)
def test_what_may_still_be_going_on_is_lost(seen: Observation, is_lost: bool) -> None:
    assert outcome(seen).is_lost is is_lost


@pytest.mark.parametrize("process", [Process.ALIVE, Process.UNKNOWN])
def test_what_has_not_ended_is_not_judged(process: Process) -> None:
    with pytest.raises(ValueError, match="the run has not ended"):
        outcome(Observation(process=process))


def test_no_secret_is_left_in_it() -> None:
    seen = Observation(
        status(result="file", summary="file", log="file"),
        result=json.dumps(RESULT).encode(),
        summary=f"# {SECRET}".encode(),
        log=f"log {SECRET}".encode(),
    )
    found = outcome(seen, (SECRET,))
    assert SECRET not in repr(found)
    assert found.summary == "# ***"
    assert found.log == "log ***"
    result = found.verdict.result
    assert result is not None
    assert (result.conclusion, result.title, result.summary, result.cost) == (
        "failure",
        "title ***",
        "summary ***",
        0.5,
    )
    assert result.outputs == {"key ***": ["value ***", {"x": "***"}, 5, None, True]}
    first, second = result.annotations
    assert first.model_dump() == {
        "path": "***.py",
        "start_line": 3,
        "end_line": 4,
        "start_column": None,
        "end_column": None,
        "annotation_level": AnnotationLevel.FAILURE,
        "message": "message ***",
        "title": "title ***",
        "raw_details": "details ***",
    }
    assert (second.path, second.title, second.raw_details) == ("a.py", None, None)
    assert found.verdict.reason is Reason.REPORTED


@pytest.mark.parametrize(
    "seen",
    [
        Observation(lost=f"no answer from {SECRET}"),
        Observation(process=Process.GONE, stopped_by=SECRET),
        Observation(process=Process.NEVER_STARTED, stopped_by=SECRET),
    ],
)
def test_nor_in_its_sentence(seen: Observation) -> None:
    sentence = outcome(seen, (SECRET,)).verdict.sentence
    assert SECRET not in sentence
    assert "***" in sentence


def test_without_secrets_it_is_what_was_reported() -> None:
    data = json.dumps(RESULT).encode()
    assert outcome(Observation(status(result="file"), result=data)).verdict.result == parse_result(data)


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are() -> None:
    seen = Observation(status(), summary=b"a\xff\xfeb", log=b"\xe2\x82")
    found = outcome(seen)
    assert (found.summary, found.log) == ("a\ufffd\ufffdb", "\ufffd")
    assert outcome(replace(seen, summary=None, log=None)).summary == ""
