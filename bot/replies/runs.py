"""What the bot says of runs when it is asked: where they are, why they ended so, what was done about them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from automation.errors import AutomationError
from automation.report.markdown import code
from automation.verdict import duration
from bot.commands import COMMAND
from bot.replies.meanings import MEANINGS
from bot.replies.refusals import not_started
from bot.replies.telling import PageUrl, line, no_page
from bot.replies.text import fitted, named, reply
from bot.runs.run import Run, newest_by_automation

SHOWN: Final = 10
EXPLAINED: Final = 5


def status(runs: Sequence[Run], now: float, page_url: PageUrl = no_page) -> str:
    """Where the runs of a pull request are.

    Args:
        runs: the newest first.
        now: Unix time in seconds.
    """
    if not runs:
        return fitted(["Nothing has run here yet.", _STARTS])
    alive = [run for run in runs if not run.is_over]
    first = f"Under way: {len(alive)} of the last {len(runs)} runs." if alive else "Nothing is under way."
    lines = [f"- {named(run.automation)}: {line(run, now, page_url)}{_age(run, now)}" for run in runs[:SHOWN]]
    more = f"… and {len(runs) - SHOWN} older ones." if len(runs) > SHOWN else ""
    stop = f"{code(f'{COMMAND} cancel <name>')} stops what is under way." if alive else ""
    return fitted([first, "\n".join(lines), more, stop])


def why(runs: Sequence[Run], now: float = 0, page_url: PageUrl = no_page) -> str:
    """Why the last run of each automation is as it is, or why there may be none.

    Args:
        runs: the newest first.
        now: Unix time in seconds.
    """
    if not runs:
        return fitted([_NOTHING, _STARTS])
    explained = list(newest_by_automation(runs).values())[:EXPLAINED]
    return fitted([part for run in explained for part in _explained(run, now, page_url)])


def cancelled(runs: Sequence[Run], left: Sequence[Run] = ()) -> str:
    """These runs are being stopped.

    Args:
        runs: that were under way; empty if all of them ended before they could be stopped.
        left: that go on, because the asker may not stop them.
    """
    others = ", ".join(f"{named(run.automation)} of {named(run.actor)}" for run in left[:SHOWN])
    kept = f"Not yours to stop, as your role here is below what they ask for: {others}." if left else ""
    if not runs:
        return fitted(["There was nothing left to cancel: what was under way has just ended.", kept])
    which = "\n".join(
        f"- {named(run.automation)} at {code(run.head_sha[:7])}, run {code(str(run.id))}" for run in runs
    )
    return fitted(
        [f"Being stopped: {_counted(runs)}. The check says when nothing of it is left.", which, kept]
    )


def approved(sha: str, started: Sequence[Run], left: Mapping[str, AutomationError]) -> str:
    """The commit of a fork may run.

    Args:
        sha: the whole of it.
        started: the runs that had waited for that.
        left: the automations that had waited, too, and why they were not started.
    """
    then = f"Started, because it waited for that: {_counted(started)}." if started else ""
    return fitted(
        [
            f"Commit {code(sha)} is approved; a push needs a new approval.",
            then if started or left else _STARTS,
            _automations(started),
            *not_started(left),
        ]
    )


def retried(asker: str, started: Sequence[Run], left: Mapping[str, AutomationError]) -> str:
    """Not all that was meant was started again.

    Args:
        started: the new runs.
        left: the automations that were not started, and why.
    """
    if not started:
        return reply(asker, "Nothing was started:", *not_started(left, ""))
    return reply(asker, f"Started again: {_counted(started)}.", _automations(started), *not_started(left))


_STARTS: Final = (
    f"{code(f'{COMMAND} <name>')} starts an automation, {code(f'{COMMAND} list')} shows those that there are."
)

_NOTHING: Final = (
    "Nothing has run here that this could be about. A command counts where it is a line of its own in a new comment "
    "of a person with the role that the automation asks for, on an open pull request: not in an edited comment, in "
    "code, in a quotation or in a list. What was refused has an answer that says why."
)


def _explained(run: Run, now: float, page_url: PageUrl) -> Iterator[str]:
    yield f"{named(run.automation)}: {line(run, now, page_url)}"
    if run.end is not None:
        yield MEANINGS[run.end.reason]
    elif not run.stop_cause and not run.started_at and run.lane:
        yield "Runs that share a lane take turns, as `github.concurrency` in the definition says."


def _age(run: Run, now: float) -> str:
    return f" · {duration(max(0, now - run.ended_at))} ago" if run.ended_at else f" · run {code(str(run.id))}"


def _automations(runs: Sequence[Run]) -> str:
    return "\n".join(f"- {named(run.automation)}" for run in runs)


def _counted(runs: Sequence[Run]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"
