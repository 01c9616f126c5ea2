"""One thing that was looked at, and what was found. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from automation.errors import AutomationError
from automation.sentences import one_line


class Level(StrEnum):
    """How a thing stands."""

    OK = "ok"
    NOTE = "note"
    """It works; somebody may want to know."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """A finding.

    Attributes:
        about: the thing, in a word or two.
        advice: what to do; empty where there is nothing to be done.
    """

    about: str
    level: Level
    sentence: str
    advice: str = ""

    def __str__(self) -> str:
        words = f"{self.sentence}; {self.advice}" if self.advice else self.sentence
        return f"{self.level:5}  {self.about:14}  {one_line(words, 1000)}"


def fine(about: str, sentence: str) -> Finding:
    return Finding(about, Level.OK, sentence)


def note(about: str, sentence: str, advice: str = "") -> Finding:
    return Finding(about, Level.NOTE, sentence, advice)


def wrong(about: str, sentence: str, advice: str = "") -> Finding:
    return Finding(about, Level.WRONG, sentence, advice)


def failed(about: str, error: AutomationError, advice: str = "") -> Finding:
    """Looking ended in an error, whose sentence says what it was."""
    return wrong(about, error.sentence, advice)


def is_fit(findings: Iterable[Finding]) -> bool:
    """Whether a bot can work like that."""
    return all(finding.level is not Level.WRONG for finding in findings)
