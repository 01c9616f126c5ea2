"""How replies are put together: paragraphs to one person, fitted to a comment; others' words made harmless. Pure.

A reply names its asker once, at its beginning, so that he is notified; nobody else is, whatever it quotes.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from automation.report.fitting import LIMIT, Section, fit
from automation.report.markdown import code, escape
from automation.sentences import one_line
from automation.verdict import duration
from bot.replies.inert import quiet

MARKER_ROOM: Final = 300
"""Bytes that are left free in a comment for its marker."""

IMPORTANT: Final = 100

_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME: Final = 100
_SENTENCE: Final = 1_000


def reply(asker: str, first: str, *more: str | Section) -> str:
    """A reply to a person.

    Args:
        asker: login; one that cannot be a person's is not mentioned.
        first, more: paragraphs of Markdown that is safe already.
    """
    mention = f"@{asker} " if _LOGIN.fullmatch(asker) else ""
    return fitted([f"{mention}{first}", *more])


def fitted(parts: Iterable[str | Section]) -> str:
    """The parts as the text of a comment, which no reader takes for a command; sections give way before paragraphs."""
    sections = [Section(part, priority=IMPORTANT) if isinstance(part, str) else part for part in parts]
    return fit([replace(each, body=quiet(each.body)) for each in sections], LIMIT - MARKER_ROOM)


def prose(sentence: str) -> str:
    """One of our sentences, with whatever it quotes, on one line; what is in backticks is shown as code."""
    parts = one_line(sentence, _SENTENCE).split("`")
    if len(parts) % 2 == 0:
        return escape("`".join(parts))
    return "".join(code(part) if n % 2 else _kept(part) for n, part in enumerate(parts))


def ended(sentence: str) -> str:
    """With the full stop that it may lack."""
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def span(seconds: float) -> str:
    """A length of time that is set, not measured: `10 min`, `1 h`."""
    return duration(seconds).removesuffix(" 0 s").removesuffix(" 0 min")


def capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def person(login: str) -> str:
    """A login that notifies nobody."""
    return escape(one_line(login, _NAME)) or "somebody"


def named(name: str) -> str:
    """A name as code, empty for none."""
    return code(one_line(name, _NAME))


def in_table(markdown: str) -> str:
    """For a cell: a stroke would end it, in code, too."""
    return re.sub(r"(?<!\\)\|", r"\\|", markdown)


def _kept(part: str) -> str:
    """Escaped prose that keeps the space towards the code beside it."""
    before, after = " " * part.startswith(" "), " " * (part.endswith(" ") and bool(part.strip()))
    return f"{before}{escape(part)}{after}"
