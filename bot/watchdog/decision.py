"""What is to be done about a check run, by what it says and what is known of its run. Pure."""

from enum import StrEnum

from automation.external_id import Face
from automation.github.check_run import CheckRun
from bot.runs.run import Run, State


class Due(StrEnum):
    """What the watchdog does about a check run."""

    LEAVE = "leave"
    """Not ours, completed already, or its run is still driven."""
    CONCLUDE_AGAIN = "conclude-again"
    """Its run has ended, but this check run does not show it.

    It is a second one of that run, or the telling got lost.
    """
    LOSE = "lose"
    """Nobody knows its run: the database is an older copy."""


def due(check: CheckRun, instance: str, run: Run | None) -> Due:
    """Decide what to do about a check run, from what it says and what is known of its run.

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
    return Due.CONCLUDE_AGAIN if run.state is State.ENDED and run.end is not None else Due.LEAVE
