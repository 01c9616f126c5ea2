"""The operator's table: what is asked for, and what is shown of each run. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from automation.errors import Misconfigured
from automation.reasons import Conclusion
from automation.sentences import one_line
from bot.pages.clock import age, machine_stamp, span
from bot.pages.github_links import Links
from bot.pages.port import RunFilter
from bot.pages.run_view import elapsed
from bot.pages.verdict_line import VerdictLine, verdict_line
from bot.runs.run import Run, State

ROWS = 50
"""Runs on a page."""
_LONGEST = 200


@dataclass(frozen=True)
class Query:
    """What the address asks for.

    Attributes:
        before: Unix time in seconds; None for the newest runs.
    """

    wanted: RunFilter
    before: float | None = None

    @property
    def filters(self) -> dict[str, str]:
        """What is not empty of the filter, as it stands in an address."""
        named = {
            "repository": self.wanted.repository,
            "automation": self.wanted.automation,
            "state": self.wanted.state or "",
            "conclusion": self.wanted.conclusion or "",
            "actor": self.wanted.actor,
        }
        return {name: str(value) for name, value in named.items() if value}


@dataclass(frozen=True)
class Row:
    """A run in the table."""

    page: str
    name: str
    subject: str
    subject_url: str
    check_url: str
    actor: str
    verdict: VerdictLine
    age: str
    accepted: str
    took: str


def read_query(given: Mapping[str, str]) -> Query:
    """What the parameters of the address ask for; those that are empty or unknown ask for nothing.

    Raises:
        Misconfigured: one has a value that it cannot have.
    """
    return Query(
        RunFilter(
            repository=_text(given, "repository"),
            automation=_text(given, "automation"),
            state=_word(given, "state", State),
            conclusion=_word(given, "conclusion", Conclusion),
            actor=_text(given, "actor").removeprefix("@"),
        ),
        _time(given, "before"),
    )


def row(run: Run, page: str, links: Links, now: float) -> Row:
    """The run's row.

    Args:
        page: the address of its page.
        now: Unix time in seconds.
    """
    subject = f"{run.repository}#{run.pull_request}" if run.pull_request else run.repository
    return Row(
        page=page,
        name=one_line(run.name or run.automation),
        subject=one_line(subject),
        subject_url=links.pull_request(run) or links.commit(run),
        check_url=links.check(run),
        actor=one_line(run.actor),
        verdict=verdict_line(run),
        age=age(now - run.accepted_at),
        accepted=machine_stamp(run.accepted_at),
        took=span(elapsed(run, now)),
    )


def _text(given: Mapping[str, str], name: str) -> str:
    return one_line(given.get(name, ""), _LONGEST)


def _word[Word: StrEnum](given: Mapping[str, str], name: str, words: type[Word]) -> Word | None:
    word = given.get(name, "")
    if not word:
        return None
    if word not in _values(words):
        raise Misconfigured(f"{name}: expected one of {', '.join(_values(words))}")
    return words(word)


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]


def _time(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        at = float(text)
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        raise Misconfigured(f"{name}: expected a Unix time in seconds")
    return at
