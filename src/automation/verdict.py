"""What became of a run: the table that turns an observation into a conclusion, a reason and a sentence.

Pure, and the only place where a verdict is decided; both faces and the command line call `judge`. The rules
come in order of trust: what nobody saw, what two witnesses disagree on, what somebody did to the run, and
only then what the run says of itself.
"""

import signal
from collections.abc import Collection
from dataclasses import dataclass
from typing import assert_never

from automation.errors import AutomationError, Refused
from automation.observation import Cause, Observation, Presence, Process, Record, Status
from automation.reasons import Conclusion, Reason
from automation.result import Result, ResultInvalid, parse_result
from automation.sentences import one_line


@dataclass(frozen=True)
class Verdict:
    """The end of a run.

    Attributes:
        sentence: what happened, for people, in one line and without the automation's own words.
        result: what the automation reported, None if nothing (or nothing valid).
    """

    conclusion: Conclusion
    reason: Reason
    sentence: str
    exit_code: int | None = None
    result: Result | None = None

    @property
    def is_success(self) -> bool:
        return self.conclusion is Conclusion.SUCCESS


def judge(seen: Observation, *, outputs: Collection[str] = (), timeout: float = 0) -> Verdict:
    """The verdict on a run that has ended.

    Args:
        seen: what was observed.
        outputs: names that the automation declared to produce; those that `status.json` names count, too.
        timeout: the run's deadline in seconds, for the sentence.

    Raises:
        ValueError: nothing shows that the run has ended.
    """
    if seen.process is Process.NEVER_STARTED:
        return _stopped(seen, Reason.CANCELLED, "before it started")
    if seen.status_line:
        return _judge_status(seen, outputs, timeout)
    if seen.record is not None:
        return _judge_record(seen, seen.record, timeout)
    if seen.process is Process.GONE:
        if seen.stopped_by:
            return _stopped(seen, Reason.CANCELLED, "and its processes are gone")
        return _lost("its processes are gone from the server and left no status")
    if seen.lost and seen.stopped_by:
        why = f"and may still be running, because the server did not confirm it: {one_line(seen.lost)}"
        return _stopped(seen, Reason.CANCELLED, why)
    if seen.lost:
        return Verdict(
            Conclusion.FAILURE,
            Reason.SERVER_LOST,
            f"the agent-server was lost and with it all knowledge of the run: {one_line(seen.lost)}",
        )
    raise ValueError("the run has not ended: there is nothing to judge")


def not_started(error: AutomationError) -> Verdict:
    """The verdict on a run that was asked for and did not start."""
    conclusion = Conclusion.ACTION_REQUIRED if isinstance(error, Refused) else Conclusion.FAILURE
    return Verdict(conclusion, error.reason, one_line(error.sentence, 1000))


def _judge_status(seen: Observation, outputs: Collection[str], timeout: float) -> Verdict:
    status = seen.status
    if status is None:
        return _tampered("status.json is not what the runner writes")
    return _distrust(seen, status, timeout) or _judge_cause(seen, status, outputs, timeout)


def _distrust(seen: Observation, status: Status, timeout: float) -> Verdict | None:
    """The verdict where `status.json` cannot be what counts."""
    if seen.run and status.run != seen.run:
        return _tampered("status.json is another run's")
    if seen.record is None or seen.record.confirms(seen.status_line, status):
        return None
    if seen.record.is_timeout:
        # The server's own limit stands above the runner's deadline: it strikes where that could not.
        return _timed_out(timeout, None)
    return _tampered(
        f"status.json and the server's record of the command disagree {_ends(status, seen.record)}"
    )


def _judge_cause(seen: Observation, status: Status, outputs: Collection[str], timeout: float) -> Verdict:
    match status.cause:
        case Cause.EXITED:
            return _judge_exit(status, seen, outputs)
        case Cause.TIMED_OUT:
            return _timed_out(timeout, status.exit_code)
        case Cause.OUTPUT_LIMIT:
            return Verdict(
                Conclusion.FAILURE,
                Reason.OUTPUT_LIMIT,
                "the run was ended because its output went over the limit",
                status.exit_code,
            )
        case Cause.CANCELLED:
            return _stopped(seen, Reason.CANCELLED, f"after {duration(status.milliseconds / 1000)}")
        case Cause.SUPERSEDED:
            return _stopped(seen, Reason.SUPERSEDED, f"after {duration(status.milliseconds / 1000)}")
        case Cause.TERMINATED:
            by = seen.stopped_by or "a signal on the server's machine"
            return Verdict(
                Conclusion.CANCELLED, Reason.CANCELLED, f"the run was stopped by {by}", status.exit_code
            )
        case Cause.UNPACK_FAILED:
            return _lost("it could not be unpacked on the server, see the log of the runner")
        case Cause.ABANDONED:
            return _lost("its runner was gone and what it had started was ended")
        case _:
            assert_never(status.cause)


def _judge_record(seen: Observation, record: Record, timeout: float) -> Verdict:
    """The runner left no status: all there is is how the server saw it end."""
    if seen.stopped_by:
        return _stopped(seen, Reason.CANCELLED, "and left no status")
    if record.is_timeout:
        return _timed_out(timeout, None)
    said = (
        f", which said: {one_line(record.stderr.strip().splitlines()[-1])}" if record.stderr.strip() else ""
    )
    return _lost(f"its runner ended without a status ({_exit_words(record.exit_code)}){said}")


def _judge_exit(status: Status, seen: Observation, outputs: Collection[str]) -> Verdict:
    code = status.exit_code
    try:
        result = _result(status.result, seen.result)
    except ResultInvalid as error:
        if code == 0:
            return Verdict(Conclusion.FAILURE, Reason.NO_RESULT, f"it ended with exit code 0, but {error}", 0)
        result = None
    if code != 0:
        what = "setup.sh failed" if status.phase == "set-up" else "the automation failed"
        return Verdict(Conclusion.FAILURE, Reason.EXIT_CODE, f"{what}: {_exit_words(code)}", code, result)
    declared = dict.fromkeys([*outputs, *status.outputs])
    missing = [name for name in declared if result is None or name not in result.outputs]
    if missing:
        return Verdict(
            Conclusion.FAILURE,
            Reason.NO_RESULT,
            f"it ended with exit code 0, but without the declared output {', '.join(missing)}",
            0,
            result,
        )
    if result is not None and result.conclusion not in {None, "success"}:
        return Verdict(
            Conclusion(str(result.conclusion)),
            Reason.REPORTED,
            f"the automation reported {result.conclusion}",
            0,
            result,
        )
    return Verdict(
        Conclusion.SUCCESS, Reason.OK, f"succeeded in {duration(status.milliseconds / 1000)}", 0, result
    )


def _result(presence: Presence, data: bytes | None) -> Result | None:
    match presence:
        case Presence.NONE:
            return None
        case Presence.OTHER:
            raise ResultInvalid("what stands at $AUTOMATION_RESULT is not a file")
        case Presence.FILE if data is None:
            raise ResultInvalid("the result file was removed before it could be read")
        case Presence.FILE:
            return parse_result(data)
        case _:
            assert_never(presence)


def _stopped(seen: Observation, reason: Reason, how: str) -> Verdict:
    by = f" by {seen.stopped_by}" if seen.stopped_by else ""
    what = "replaced by a newer run" if reason is Reason.SUPERSEDED else f"stopped{by}"
    return Verdict(Conclusion.CANCELLED, reason, f"the run was {what} {how}")


def _timed_out(timeout: float, exit_code: int | None) -> Verdict:
    after = f" of {duration(timeout)}" if timeout else ""
    return Verdict(
        Conclusion.TIMED_OUT, Reason.TIMED_OUT, f"the run was ended at its deadline{after}", exit_code
    )


def _lost(why: str) -> Verdict:
    return Verdict(Conclusion.FAILURE, Reason.RUN_LOST, f"the run was lost: {why}")


def _tampered(why: str) -> Verdict:
    return Verdict(Conclusion.FAILURE, Reason.TAMPERED, f"the run's end cannot be trusted: {why}")


def _ends(status: Status, record: Record) -> str:
    return f"(exit code {status.exit_code} here, {record.exit_code} there)"


def _exit_words(code: int) -> str:
    """An exit code as people know it: 128 + n and -n are signals."""
    number = code - 128 if code > 128 else -code  # noqa: PLR2004
    if number > 0 and code != -1:
        try:
            return f"exit code {code}, {signal.Signals(number).name}"
        except ValueError:
            pass
    return f"exit code {code}"


def duration(seconds: float) -> str:
    """Seconds for people: `12 ms`, `0.3 s`, `42 s`, `3 min 5 s`, `1 h 2 min`."""
    if seconds < 0.1:  # noqa: PLR2004
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
