"""The verdict is a function of what was seen, in the order in which the witnesses can be trusted."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.observation import Cause, Observation, Presence, Process, Record
from automation.reasons import Conclusion, Reason
from automation.verdict import Verdict, duration, judge

RUN = "6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11"
OTHER = "6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a12"


def status_line(cause: str = "exited", code: int = 0, **changes: Any) -> str:
    document = {
        "version": 1,
        "run": RUN,
        "cause": cause,
        "phase": "entrypoint",
        "exit_code": code,
        "started": 1_700_000_000,
        "ended": 1_700_000_004,
        "milliseconds": 4200,
        "output": 12,
        "result": "none",
        "summary": "none",
        "log": "none",
        "left": False,
        "escaped": [],
    }
    return json.dumps(document | changes)


def ended(cause: str = "exited", code: int = 0, result: object = None, **changes: Any) -> Observation:
    """A run of which status.json and the server's record say the same."""
    presence = {} if result is None else {"result": "file"}
    line = status_line(cause, code, **presence, **changes)
    file = None if result is None else json.dumps(result).encode()
    return Observation(line, Record(code, line + "\n"), result=file)


def with_file(file: bytes | None, cause: str = "exited", code: int = 0, **changes: Any) -> Observation:
    """A run that left a result file with these bytes; None if it was gone before it could be read."""
    return replace(ended(cause, code, result={}, **changes), result=file)


def with_other(code: int = 0) -> Observation:
    """A run that left a directory, say, where its result should be."""
    line = status_line(code=code, result="other")
    return Observation(line, Record(code, line))


def on_disk(cause: str = "exited", code: int = 0, **changes: Any) -> Observation:
    """A run whose server was restarted: status.json is all there is."""
    return Observation(status_line(cause, code, **changes), process=Process.GONE)


def recorded(code: int, stderr: str = "", **more: Any) -> Observation:
    return Observation(record=Record(code, stderr=stderr), **more)


def whose_record_says(seen: Observation, code: int | None = None, line: str | None = None) -> Observation:
    assert seen.record is not None
    record = replace(
        seen.record,
        exit_code=seen.record.exit_code if code is None else code,
        line=seen.record.line if line is None else line,
    )
    return replace(seen, record=record)


CASES: dict[str, tuple[Observation, str, str, str]] = {
    # What happened to the automation.
    "exit 0": (ended(), "success", "ok", "succeeded in 4.2 s"),
    "exit 0, server restarted since": (on_disk(), "success", "ok", "succeeded in 4.2 s"),
    "exit 0, processes left behind": (
        ended(left=True, escaped=[{"pid": 7, "name": "sleep"}]),
        "success",
        "ok",
        "succeeded in 4.2 s",
    ),
    "exit 3": (ended(code=3), "failure", "exit-code", "the automation failed: exit code 3"),
    "exit 255": (ended(code=255), "failure", "exit-code", "the automation failed: exit code 255"),
    "ended by a signal": (
        ended(code=139),
        "failure",
        "exit-code",
        "the automation failed: exit code 139, SIGSEGV",
    ),
    "setup.sh fails": (
        ended(code=2, phase="set-up"),
        "failure",
        "exit-code",
        "setup.sh failed: exit code 2",
    ),
    "over the output limit": (
        ended("output-limit", 143),
        "failure",
        "output-limit",
        "its output went over the limit",
    ),
    "over the output limit, exit 0": (ended("output-limit", 0), "failure", "output-limit", "output"),
    "at its deadline": (ended("timed-out", 143), "timed_out", "timed-out", "ended at its deadline of 1 min"),
    "at its deadline, exit 0": (ended("timed-out", 0), "timed_out", "timed-out", "deadline"),
    "stopped": (ended("cancelled", 143), "cancelled", "cancelled", "the run was stopped after 4.2 s"),
    "stopped by somebody": (
        replace(ended("cancelled", 143), stopped_by="ada"),
        "cancelled",
        "cancelled",
        "the run was stopped by ada after 4.2 s",
    ),
    "stopped, exit 0 in its trap": (ended("cancelled", 0), "cancelled", "cancelled", "stopped"),
    "replaced": (
        replace(ended("superseded", 143), stopped_by="ada"),
        "cancelled",
        "superseded",
        "replaced by a newer run after 4.2 s",
    ),
    "its runner was terminated": (
        ended("terminated", 143),
        "cancelled",
        "cancelled",
        "stopped by a signal on the server's machine",
    ),
    "its runner was terminated by us": (
        replace(ended("terminated", 0), stopped_by="you (SIGINT)"),
        "cancelled",
        "cancelled",
        "stopped by you (SIGINT)",
    ),
    "terminated while unpacking": (
        ended("terminated", 143, phase="unpack"),
        "cancelled",
        "cancelled",
        "a signal",
    ),
    "could not be unpacked": (
        ended("unpack-failed", 2, phase="unpack"),
        "failure",
        "run-lost",
        "could not be unpacked",
    ),
    "what a dead runner left was ended": (
        ended("abandoned", 143),
        "failure",
        "run-lost",
        "its runner was gone",
    ),
    "ended naturally while a stop was on its way": (
        replace(ended(), stopped_by="ada"),
        "success",
        "ok",
        "succeeded",
    ),
    # Two witnesses that disagree.
    "the record has another exit code": (
        whose_record_says(ended(), code=1),
        "failure",
        "tampered",
        "disagree (exit code 0 here, 1 there)",
    ),
    "a better status than the record": (
        whose_record_says(ended(), code=137),
        "failure",
        "tampered",
        "(exit code 0 here, 137 there)",
    ),
    "a worse status than the record": (
        whose_record_says(ended(code=1), code=0),
        "failure",
        "tampered",
        "(exit code 1 here, 0 there)",
    ),
    "the runner printed another status": (
        whose_record_says(ended(), line=status_line(output=13)),
        "failure",
        "tampered",
        "disagree",
    ),
    "the runner printed nothing": (whose_record_says(ended(), line=""), "failure", "tampered", "disagree"),
    "killed after it wrote a status": (
        whose_record_says(ended(), code=-9, line=""),
        "failure",
        "tampered",
        "(exit code 0 here, -9 there)",
    ),
    "could not be unpacked, and the record says 0": (
        whose_record_says(ended("unpack-failed", 2), code=0),
        "failure",
        "tampered",
        "(exit code 2 here, 0 there)",
    ),
    "another run's": (replace(ended(), run=OTHER), "failure", "tampered", "status.json is another run's"),
    "another run's, which the server ended at its limit": (
        whose_record_says(replace(ended(), run=OTHER), code=-1, line=""),
        "failure",
        "tampered",
        "status.json is another run's",
    ),
    "another run's, server restarted since": (
        replace(on_disk(), run=OTHER),
        "failure",
        "tampered",
        "status.json is another run's",
    ),
    "its own": (replace(ended(), run=RUN), "success", "ok", "succeeded"),
    # The server's own limit, where the runner's deadline could not strike.
    "the server's time-out over a forged success": (
        whose_record_says(ended(), code=-1, line=""),
        "timed_out",
        "timed-out",
        "ended at its deadline of 1 min",
    ),
    "the server's time-out over a failure": (
        whose_record_says(ended(code=3), code=-1, line=""),
        "timed_out",
        "timed-out",
        "ended at its deadline of 1 min",
    ),
    "never executed, but there is a status": (
        replace(ended(), record=Record(-1, stderr="Error executing command: [Errno 2]")),
        "failure",
        "tampered",
        "(exit code 0 here, -1 there)",
    ),
    "a forged stop": (
        replace(whose_record_says(ended("cancelled", 143), code=0), stopped_by="ada"),
        "failure",
        "tampered",
        "disagree",
    ),
    "only white space differs": (
        whose_record_says(ended(), line=f"  {status_line()} \r\n"),
        "success",
        "ok",
        "succeeded",
    ),
    # A status that no runner writes.
    "status: no JSON": (Observation("success!"), "failure", "tampered", "status.json is not what"),
    "status: blank": (Observation("\n"), "failure", "tampered", "status.json is not what"),
    "status: a list": (Observation("[]"), "failure", "tampered", "status.json is not what"),
    "status: a key missing": (Observation('{"exit_code": 0}'), "failure", "tampered", "is not what"),
    "status: an unknown cause": (Observation(status_line("success")), "failure", "tampered", "is not what"),
    "status: no exit code": (Observation(status_line(exit_code=None)), "failure", "tampered", "is not what"),
    "status: files as the old runner told them": (
        Observation(status_line(result=True)),
        "failure",
        "tampered",
        "is not what",
    ),
    "status: no number": (Observation(status_line(code=0, ended="now")), "failure", "tampered", "is not"),
    "status: two lines": (Observation(f"{status_line()}\n{status_line()}"), "failure", "tampered", "is not"),
    "status: cut off": (Observation(status_line()[:-9]), "failure", "tampered", "is not what"),
    "status: confirmed nonsense": (
        Observation("success!", Record(0, "success!\n")),
        "failure",
        "tampered",
        "status.json is not what",
    ),
    # No status: how the server saw it end.
    "the server's own time-out": (recorded(-1), "timed_out", "timed-out", "ended at its deadline of 1 min"),
    "never executed by the server": (
        recorded(-1, "Error executing command: [Errno 2] No such file or directory: '/x'\n"),
        "failure",
        "run-lost",
        ", which said: Error executing command: [Errno 2]",
    ),
    "its runner was killed": (
        recorded(-9),
        "failure",
        "run-lost",
        "its runner ended without a status (exit code -9, SIGKILL)",
    ),
    "its runner was killed in a stop of ours": (
        recorded(-9, stopped_by="ada"),
        "cancelled",
        "cancelled",
        "the run was stopped by ada and left no status",
    ),
    "no directory to enter": (recorded(73), "failure", "run-lost", "(exit code 73)"),
    "exit 0 and no status": (recorded(0), "failure", "run-lost", "without a status (exit code 0)"),
    "the last words of several": (recorded(2, "a\n\ntar: broken\n\n"), "failure", "run-lost", "said: tar: b"),
    # Neither.
    "gone without a trace": (
        Observation(process=Process.GONE),
        "failure",
        "run-lost",
        "its processes are gone from the server and left no status",
    ),
    "gone in a stop of ours": (
        Observation(process=Process.GONE, stopped_by="ada"),
        "cancelled",
        "cancelled",
        "the run was stopped by ada and its processes are gone",
    ),
    "stopped before it started": (
        Observation(process=Process.NEVER_STARTED, stopped_by="ada"),
        "cancelled",
        "cancelled",
        "the run was stopped by ada before it started",
    ),
    "stopped before it started, by nobody of us": (
        Observation(process=Process.NEVER_STARTED),
        "cancelled",
        "cancelled",
        "the run was stopped before it started",
    ),
    "server lost": (
        Observation(lost="9 tries in 120 s"),
        "failure",
        "server-lost",
        "all knowledge of the run: 9 tries in 120 s",
    ),
    "server lost while it was stopped": (
        Observation(lost="9 tries in 120 s", stopped_by="ada"),
        "cancelled",
        "cancelled",
        "the run was stopped by ada and may still be running, because the server did not confirm it: 9 tries",
    ),
    "lost, but its status was read": (
        replace(on_disk(), lost="9 tries in 120 s"),
        "success",
        "ok",
        "succeeded",
    ),
}


@pytest.mark.parametrize(("seen", "conclusion", "reason", "says"), CASES.values(), ids=CASES.keys())
def test_what_was_seen_decides(seen: Observation, conclusion: str, reason: str, says: str) -> None:
    verdict = judge(seen, timeout=60)
    assert (verdict.conclusion, verdict.reason) == (conclusion, reason)
    assert says in verdict.sentence
    assert verdict.sentence.isprintable()
    assert verdict.is_success is (conclusion == "success")


def test_every_cause_has_its_case() -> None:
    shown = {seen.status.cause for seen, *_ in CASES.values() if seen.status}
    assert shown == set(Cause)


@pytest.mark.parametrize(
    "seen",
    [
        Observation(),
        Observation(process=Process.ALIVE),
        Observation(process=Process.UNKNOWN, stopped_by="ada"),
        Observation(process=Process.ALIVE, result=b"{}", log=b"said"),
    ],
    ids=["nothing seen", "alive", "unknown", "alive, with files"],
)
def test_a_run_that_has_not_ended_is_not_judged(seen: Observation) -> None:
    with pytest.raises(ValueError, match="has not ended"):
        judge(seen)


class TestTheContractOfARun:
    @pytest.mark.parametrize(
        ("result", "missing"),
        [
            (None, "report, log"),
            ({}, "report, log"),
            ({"outputs": {"log": None}}, "report"),
            ({"outputs": {"Report": 1, "log": 1}}, "report"),
        ],
        ids=["no result file", "no outputs", "one of two", "another case"],
    )
    def test_declared_outputs_that_are_missing(self, result: object, missing: str) -> None:
        verdict = judge(ended(result=result), outputs=["report", "log"])
        assert (verdict.conclusion, verdict.reason) == ("failure", "no-result")
        assert verdict.sentence == f"it ended with exit code 0, but without the declared output {missing}"
        assert verdict.exit_code == 0

    def test_the_status_says_what_was_declared_to_whoever_comes_later(self) -> None:
        assert judge(ended(outputs=["report"])).reason is Reason.NO_RESULT
        assert judge(ended(outputs=["report"], result={"outputs": {"report": 1}})).is_success
        twice = judge(ended(outputs=["report"]), outputs=["report", "log"])
        assert twice.sentence.endswith("without the declared output report, log")

    @pytest.mark.parametrize("value", [1, "", None, False, [], {}])
    def test_a_declared_output_may_have_any_value(self, value: object) -> None:
        verdict = judge(ended(result={"outputs": {"report": value}}), outputs=["report"])
        assert verdict.is_success
        assert verdict.result is not None
        assert verdict.result.outputs == {"report": value}

    def test_outputs_are_not_asked_of_a_run_that_failed(self) -> None:
        assert judge(ended(code=1), outputs=["report"]).reason is Reason.EXIT_CODE

    @pytest.mark.parametrize(
        ("file", "says"),
        [
            (b"{", "is not JSON"),
            (b"\xff", "is not UTF-8"),
            (b"[]", "is not valid at 'the document'"),
            (b'{"conclusion": "neutral"}', "is not valid at 'conclusion'"),
            (b'{"conclusio": "success"}', "did you mean 'conclusion'?"),
            (b"", "is not JSON"),
            (None, "was removed before it could be read"),
        ],
        ids=[
            "cut off",
            "bytes",
            "a list",
            "a conclusion that passes required checks",
            "mistyped",
            "empty",
            "gone",
        ],
    )
    def test_an_invalid_result(self, file: bytes | None, says: str) -> None:
        good = judge(with_file(file))
        assert (good.conclusion, good.reason, good.exit_code) == ("failure", "no-result", 0)
        assert good.sentence.startswith("it ended with exit code 0, but the result file")
        assert says in good.sentence
        bad = judge(with_file(file, code=4))
        assert (bad.conclusion, bad.reason, bad.exit_code) == ("failure", "exit-code", 4)
        assert good.result is bad.result is None

    @pytest.mark.parametrize("worse", ["failure", "action_required"])
    def test_a_result_may_be_worse_than_the_exit_code(self, worse: str) -> None:
        verdict = judge(ended(result={"conclusion": worse, "title": "No"}))
        assert (verdict.conclusion, verdict.reason) == (worse, "reported")
        assert verdict.sentence == f"the automation reported {worse}"
        assert verdict.result is not None
        assert verdict.result.title == "No"

    @pytest.mark.parametrize("better", ["success", "action_required", None])
    @pytest.mark.parametrize(
        ("seen", "conclusion", "reason"),
        [
            (ended(code=1, result={}), "failure", "exit-code"),
            (ended("timed-out", result={}), "timed_out", "timed-out"),
            (ended("output-limit", result={}), "failure", "output-limit"),
            (ended("cancelled", result={}), "cancelled", "cancelled"),
            (ended("abandoned", result={}), "failure", "run-lost"),
            (whose_record_says(ended(result={}), code=1), "failure", "tampered"),
        ],
        ids=["exit 1", "timed out", "output limit", "cancelled", "abandoned", "tampered"],
    )
    def test_a_result_is_never_better(
        self, seen: Observation, conclusion: str, reason: str, better: str | None
    ) -> None:
        file = json.dumps({"conclusion": better}).encode()
        verdict = judge(replace(seen, result=file))
        assert (verdict.conclusion, verdict.reason) == (conclusion, reason)

    def test_missing_outputs_are_told_before_a_reported_conclusion(self) -> None:
        verdict = judge(ended(result={"conclusion": "action_required"}), outputs=["report"])
        assert (verdict.conclusion, verdict.reason) == ("failure", "no-result")

    def test_without_declared_outputs_no_result_is_needed(self) -> None:
        assert judge(ended()).is_success

    @pytest.mark.parametrize("outputs", [[], ["report"]])
    def test_what_is_no_file_is_no_result(self, outputs: list[str]) -> None:
        good = judge(with_other(), outputs=outputs)
        assert (good.conclusion, good.reason, good.exit_code) == ("failure", "no-result", 0)
        assert good.sentence.endswith("what stands at $AUTOMATION_RESULT is not a file")
        bad = judge(with_other(4), outputs=outputs)
        assert (bad.conclusion, bad.reason, bad.exit_code) == ("failure", "exit-code", 4)

    def test_a_file_that_the_status_does_not_tell_of_does_not_count(self) -> None:
        seen = replace(ended(), result=b'{"outputs": {"report": 1}}')
        assert judge(seen, outputs=["report"]).reason is Reason.NO_RESULT


def test_the_deadline_is_named_where_it_is_known() -> None:
    assert judge(ended("timed-out")).sentence == "the run was ended at its deadline"
    assert judge(ended("timed-out"), timeout=5400).sentence.endswith("deadline of 1 h 30 min")


@pytest.mark.parametrize(
    ("code", "words"),
    [(1, "1"), (126, "126"), (128, "128"), (130, "130, SIGINT"), (137, "137, SIGKILL"), (200, "200")],
)
def test_exit_codes_are_told_as_people_know_them(code: int, words: str) -> None:
    assert judge(ended(code=code)).sentence == f"the automation failed: exit code {words}"


@pytest.mark.parametrize(
    ("seen", "outputs"),
    [
        (with_file(b'{"a\\nb": 1}'), []),
        (recorded(2, "a\x1b[31m red\x07"), []),
        (Observation(lost="no answer\nat all"), []),
        (Observation(lost="no answer\nat all", stopped_by="ada"), []),
    ],
    ids=[
        "an unknown key with a line break",
        "terminal codes in the server's words",
        "several lines",
        "several lines after a stop",
    ],
)
def test_a_sentence_is_one_line_whatever_others_wrote(seen: Observation, outputs: list[str]) -> None:
    assert judge(seen, outputs=outputs).sentence.isprintable()


def test_a_forged_duration_does_no_harm() -> None:
    line = status_line().replace("4200", "9" * 400)
    assert judge(Observation(line, process=Process.GONE)).reason in Reason


def test_a_forged_number_in_the_result_does_no_harm() -> None:
    seen = with_file(b'{"cost": ' + b"1" * 5000 + b"}")
    assert judge(seen).reason is Reason.NO_RESULT


def test_no_signal_is_invented() -> None:
    assert "SIGHUP" not in judge(recorded(-1, "Error executing command: [Errno 7]")).sentence


codes = st.sampled_from([0, 1, 2, 75, 137, 143, -1, -9, -15])
lines = st.builds(
    status_line,
    cause=st.sampled_from([*Cause, "success", ""]),
    code=codes,
    phase=st.sampled_from(["unpack", "set-up", "entrypoint", "?"]),
    milliseconds=st.integers(-5, 10**9),
    outputs=st.sampled_from([[], [], ["report"]]),
    result=st.sampled_from(["none", "file", "file", "other", True]),
    run=st.sampled_from([RUN, RUN, OTHER]),
)
results = st.none() | st.sampled_from(
    [
        b"",
        b"{",
        b"{}",
        b'{"conclusion": "success"}',
        b'{"conclusion": "failure"}',
        b'{"outputs": {"report": 1}}',
        b'{"conclusion": "action_required", "outputs": {"report": 1}}',
    ]
)
texts = st.text(st.characters(exclude_categories=["C"]), max_size=20)


@st.composite
def endings(draw: st.DrawFn) -> Observation:
    line = draw(st.just("") | lines | st.sampled_from(["{}", "null", "x"]))
    record = draw(
        st.none()
        | st.builds(
            Record,
            exit_code=st.sampled_from([0, 0, 1, 75, 143, -1, -9]),
            line=st.sampled_from([line, line, line + "\n", "", "other"]),
            stderr=texts | st.just("Error executing command: [Errno 2]"),
        )
    )
    return Observation(
        status_line=line,
        record=record,
        process=draw(st.sampled_from(Process)),
        lost=draw(st.just("") | texts),
        stopped_by=draw(st.just("") | texts),
        result=draw(results),
        run=draw(st.sampled_from(["", RUN, RUN])),
    )


@given(seen=endings(), outputs=st.sampled_from([(), ("report",), ("report", "log")]))
def test_success_needs_every_witness(seen: Observation, outputs: tuple[str, ...]) -> None:
    shows_an_end = seen.status_line or seen.record or seen.lost
    if not shows_an_end and seen.process not in {Process.GONE, Process.NEVER_STARTED}:
        with pytest.raises(ValueError, match="has not ended"):
            judge(seen, outputs=outputs)
        return
    verdict = judge(seen, outputs=outputs)
    assert isinstance(verdict, Verdict)
    assert len(verdict.sentence.splitlines()) == 1
    if verdict.is_success:
        status = seen.status
        assert status is not None
        assert status.cause is Cause.EXITED
        assert status.exit_code == 0
        assert seen.process is not Process.NEVER_STARTED
        assert seen.record is None or (
            seen.record.exit_code == 0 and seen.record.line.strip() == seen.status_line.strip()
        )
        assert seen.run in {"", status.run}
        assert status.result is not Presence.OTHER
        assert (verdict.result is not None) == (status.result is Presence.FILE)
        assert not {*outputs, *status.outputs} - set(verdict.result.outputs if verdict.result else {})
    assert (verdict.conclusion is Conclusion.SUCCESS) == (verdict.reason is Reason.OK)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.04, "40 ms"),
        (0.25, "0.2 s"),
        (1, "1 s"),
        (4.2, "4.2 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (42.4, "42 s"),
        (59.7, "1 min 0 s"),
        (60, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (3720, "1 h 2 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
