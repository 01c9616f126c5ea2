"""A run in a few words: its state or its verdict, when, for whom; with links to GitHub and to the bot's pages. Pure."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, assert_never

from automation.reasons import Conclusion, Reason
from automation.report.markdown import code, escape
from automation.report.report import WORDS
from automation.sentences import one_line
from automation.verdict import duration
from bot.replies.text import person
from bot.runs.run import End, Run, State

ICONS: Final = {
    Conclusion.SUCCESS: "✅",
    Conclusion.FAILURE: "❌",
    Conclusion.TIMED_OUT: "⌛",
    Conclusion.CANCELLED: "🚫",
    Conclusion.ACTION_REQUIRED: "✋",
}

type PageUrl = Callable[[Run], str]

_SENTENCE: Final = 1_000
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_SHA: Final = re.compile(r"[0-9a-f]{40}")
_SHORT: Final = 7
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9_.~%/?#=&:+,;@-]*")


def no_page(_run: Run) -> str:
    """The address of a run's page where none is to be shown."""
    return ""


def icon(run: Run) -> str:
    """A sign for its state or conclusion."""
    if run.end is not None:
        return ICONS[run.end.conclusion]
    return "🕓" if run.state is State.QUEUED else "🏃"


def told(run: Run, now: float) -> str:
    """Its verdict, or what it is doing, as a sentence without its subject."""
    if run.end is not None:
        return f"{verdict(run.end)}: {escape(one_line(run.end.sentence, _SENTENCE))}."
    return f"{_doing(run, now)}."


def verdict(end: End) -> str:
    """Conclusion and reason, as the check's summary begins."""
    return f"**{WORDS[end.conclusion]}** ({code(end.reason)})"


def facts(run: Run, page_url: PageUrl) -> str:
    """Commit, asker, time and links, on one line."""
    asker = f"for {person(run.actor)}" if run.actor else ""
    attempt = f"attempt {run.attempt}" if run.attempt > 1 else ""
    links = (_link("check", run.check_url), _link("log", page_url(run)))
    return " · ".join(fact for fact in (_commit(run), asker, attempt, _time(run), *links) if fact)


def line(run: Run, now: float, page_url: PageUrl = no_page) -> str:
    """All of it, for a list."""
    return f"{icon(run)} {told(run, now)} {facts(run, page_url)}"


def _doing(run: Run, now: float) -> str:
    if run.stop_cause == Reason.SUPERSEDED:
        return "Being stopped, because a newer run takes its place"
    if run.stop_by or run.stop_cause:
        return f"Being stopped by {person(run.stop_by)}"
    if 0 < run.deadline < now:
        return "Being ended: its deadline has passed"
    match run.state:
        case State.QUEUED:
            return f"Queued: waits for {run.waits_for}"
        case State.STARTING:
            return "Starting"
        case State.RUNNING:
            return "Running"
        case State.CONCLUDING | State.ENDED:
            return "Ending"
        case _:
            assert_never(run.state)


def _time(run: Run) -> str:
    """How long it took; before it has ended, since when, so that the text stays true while it stands."""
    since = run.started_at or run.accepted_at
    if run.ended_at:
        return duration(max(0, run.ended_at - since))
    return f"since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC" if since else ""


def _commit(run: Run) -> str:
    """The commit by its first seven digits, with a link where the check's address shows which GitHub it is on."""
    shown = code(run.head_sha[:_SHORT])
    site, found, _ = run.check_url.partition(f"/{run.repository}/")
    if not found or not _REPOSITORY.fullmatch(run.repository) or not _SHA.fullmatch(run.head_sha):
        return shown
    return _link(shown, f"{site}/{run.repository}/commit/{run.head_sha}") or shown


def _link(words: str, url: str) -> str:
    return f"[{words}]({url})" if _URL.fullmatch(url) else ""
