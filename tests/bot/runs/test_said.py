"""What a run says of itself makes its verdict worse, and never better."""

import pytest

from automation.reasons import Conclusion, Reason
from automation.verdict import Verdict
from bot.completion import Completion
from bot.runs.said import note_of, worsened

SUCCESS = Verdict(Conclusion.SUCCESS, Reason.OK, "the automation succeeded", exit_code=0)
OTHERS = [
    Verdict(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", exit_code=3),
    Verdict(Conclusion.CANCELLED, Reason.CANCELLED, "stopped by @alice"),
    Verdict(Conclusion.TIMED_OUT, Reason.TIMED_OUT, "too long"),
    Verdict(Conclusion.ACTION_REQUIRED, Reason.NOT_ALLOWED, "no"),
]
FAILED, COMPLETED = Completion(has_failed=True, error="boom"), Completion(has_failed=False)


@pytest.mark.parametrize("verdict", [SUCCESS, *OTHERS])
def test_without_a_word_it_is_what_it_is(verdict: Verdict) -> None:
    assert worsened(verdict, None) is verdict


@pytest.mark.parametrize("verdict", [SUCCESS, *OTHERS])
def test_completed_proves_nothing(verdict: Verdict) -> None:
    assert worsened(verdict, note_of(COMPLETED)) is verdict


@pytest.mark.parametrize("verdict", OTHERS)
def test_what_is_no_success_stays_as_it_is(verdict: Verdict) -> None:
    assert worsened(verdict, note_of(FAILED)) is verdict


def test_a_success_that_says_that_it_failed_is_none() -> None:
    worse = worsened(SUCCESS, note_of(FAILED))
    assert (worse.conclusion, worse.reason) == (Conclusion.FAILURE, Reason.REPORTED)
    assert worse.sentence == "the automation ended well and reported that it had failed: boom"
    assert worse.exit_code == 0
    bare = worsened(SUCCESS, note_of(Completion(has_failed=True)))
    assert bare.sentence.endswith("reported that it had failed")
