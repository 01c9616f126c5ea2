"""What is to be done about a check run, by what it says and what is known of its run. Pure."""

from enum import StrEnum

from automation.external_id import Face
from automation.github.check_run import CheckRun
from bot.runs.run import Run, State


class Due(StrEnum):
    """What."""

    LEAVE = "leave"
    """It is not ours, completed by whomever, or its run is driven to its end."""
    REPEAT = "repeat"
    """Its run has ended, and it does not show that: it is a second one of that run, or the telling got lost."""
    LOSE = "lose"
    """Nobody knows its run: the database is an older copy."""


def due(check: CheckRun, instance: str, run: Run | None) -> Due:
    """What.

    Args:
        check: of our App.
        instance: of this bot: the Action and other bots may make check runs under the same App.
        run: that the check run names, as it is now; None if it is not known.
    """
    keys = check.keys
    if check.is_completed or keys is None or (keys.face, keys.instance) != (Face.BOT, instance):
        return Due.LEAVE
    if run is None or run.attempt != keys.attempt:
        return Due.LOSE
    return Due.REPEAT if run.state is State.ENDED and run.end is not None else Due.LEAVE
