"""The one comment that shows where an automation stands on a pull request, edited in place. Pure.

It tells times, not how long ago they were, so that it changes only when something has happened.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from automation.report.fitting import Section
from automation.report.markdown import escape
from automation.sentences import one_line
from bot.replies.inert import inert
from bot.replies.marker import marker
from bot.replies.telling import PageUrl, facts, icon, line, told, verdict
from bot.replies.text import IMPORTANT, fitted
from bot.runs.run import End, Run

OLDER: Final = 5
"""Runs that are shown beside the newest one."""

_NAME: Final = 100
_SUMMARY: Final = 10


def status_comment(name: str, runs: Sequence[Run], page_url: PageUrl, now: float) -> str:
    """The status comment of an automation, beginning with the marker of its key `status/<slug>`.

    Args:
        name: what its definition calls it.
        runs: of this automation on this pull request, the newest first.
        page_url: a run's page, empty where it has none.
        now: Unix time in seconds.

    Raises:
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("there is no status without a run")
    newest, *older = runs
    heading = f"### {icon(newest)} {escape(one_line(name, _NAME)) or 'Automation'}"
    parts = [heading, *_newest(newest, page_url, now), *_older(older, page_url, now)]
    return f"{marker(f'status/{newest.automation}')}\n{fitted(parts)}"


def _newest(run: Run, page_url: PageUrl, now: float) -> Iterator[str | Section]:
    summary = _summary(run.end)
    if run.end is None or not summary.startswith(verdict(run.end)):
        yield told(run, now)
    yield facts(run, page_url)
    yield Section(summary, priority=_SUMMARY)


def _summary(end: End | None) -> str:
    """What the check says; nothing where that is the sentence again."""
    if end is None or end.summary.strip() == end.sentence.strip():
        return ""
    return inert(end.summary)


def _older(runs: Sequence[Run], page_url: PageUrl, now: float) -> Iterator[Section]:
    if runs:
        shown = "\n".join(f"- {line(run, now, page_url)}" for run in runs[:OLDER])
        title = "Earlier runs" if len(runs) <= OLDER else f"The last {OLDER} of {len(runs)} earlier runs"
        folded = f"<details><summary>{title}</summary>\n\n{shown}\n\n</details>"
        yield Section(folded, priority=IMPORTANT)
