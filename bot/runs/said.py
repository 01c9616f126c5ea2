"""Combines a run's callback with its verdict: a reported failure can only make it worse. Pure."""

import json
from dataclasses import replace

from automation.reasons import Conclusion, Reason
from automation.verdict import Verdict
from bot.completion import Completion


def note_of(completion: Completion) -> str:
    """As it is kept until the run's verdict is known."""
    return json.dumps({"has_failed": completion.has_failed, "error": completion.error})


def worsened(verdict: Verdict, note: str | None) -> Verdict:
    """The verdict, made worse where the run itself said that it had failed; never better.

    Args:
        note: see `note_of`; None where it has said nothing.
    """
    if note is None or not verdict.is_success:
        return verdict
    completion = Completion(**json.loads(note))
    if not completion.has_failed:
        return verdict
    why = f": {completion.error}" if completion.error else ""
    sentence = f"the automation ended well and reported that it had failed{why}"
    return replace(verdict, conclusion=Conclusion.FAILURE, reason=Reason.REPORTED, sentence=sentence)
