"""What is wrong in a file, said the way compilers do: `file:line:column: message`.

Words of the file are quoted shortened and on one line, so that a message stays one line whatever it is about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

_QUOTED_LENGTH: Final = 60


class Severity(StrEnum):
    """An error makes the file unusable, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where (line and column counted from 1)."""

    file: str
    line: int
    column: int
    severity: Severity
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


def quote(word: object) -> str:
    """A word of someone else's in single quotes: printable, on one line, shortened."""
    text = str(word)
    shown = text if len(text) <= _QUOTED_LENGTH else f"{text[: _QUOTED_LENGTH - 3]}..."
    return "'" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown) + "'"


def nearest(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant, whatever its case; None when none is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(str(word)[:_QUOTED_LENGTH].casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None


def hint(word: object, known: Iterable[str]) -> str:
    """The end of a sentence that refuses `word`: the nearest known word, otherwise all of them."""
    words = list(known)
    near = nearest(word, words)
    return f"did you mean {quote(near)}?" if near else f"known are {', '.join(words)}"
