r"""The words of a command's line: bare, quoted, or a value with its key. Pure.

A word ends at white space. Quotation marks, `"` or `'`, go around a whole word or a whole value; in between, a
backslash stands before a quotation mark or a backslash that is meant as such, and is itself everywhere else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from automation.report.markdown import code
from bot.commands.command import Mistake

VALUE_LIMIT: Final = 1_000
"""Characters of one word or value."""

_SHOWN: Final = 40
_WORD: Final = re.compile(
    r"\s*+(?P<key>[^\s='\"]+=)?+"
    r"(?:\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'|(?P<bare>[^\s'\"]\S*)|(?P<none>))(?!\S)"
)
_ESCAPED: Final = re.compile(r"\\([\\'\"])")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_CURLY: Final = tuple("\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u201a")
_LONG_DASHES: Final = tuple("\u2014\u2013")


class Misread(Exception):
    """The line is no command; it carries what the commenter is told."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.mistake = Mistake(sentence, hint)


@dataclass(frozen=True)
class Word:
    """A word: its text without quotation marks, and its key where it is `key=value`."""

    text: str
    key: str = ""
    is_quoted: bool = False

    @property
    def has_value(self) -> bool:
        return bool(self.text) or self.is_quoted


def read_words(text: str) -> Iterator[Word]:
    """The words of a line, one after the other.

    Raises:
        Misread: there is no telling where a word ends, or a word is nothing that could be meant.
    """
    if _CONTROL.search(text):
        raise Misread("a command has no control characters in it", "Write it on one line, as plain text.")
    text, at = text.rstrip(), 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise Misread(
                "a quotation mark is not closed, or stands in the middle of a word",
                f"Put quotation marks around the whole value: {code('key="two words"')}. "
                f"One that belongs to the value has a backslash before it: {code(r'key="say \"hi\""')}.",
            )
        at = found.end()
        yield _checked(_word(found))


def shown(word: str) -> str:
    """A word of the commenter's, quoted back to him as code; a long one, which may be a secret, is only measured."""
    return code(word) if len(word) <= _SHOWN else f"a word of {len(word)} characters"


def _word(found: re.Match[str]) -> Word:
    key = (found["key"] or "").removesuffix("=")
    quoted = found["double"] if found["double"] is not None else found["single"]
    if quoted is None:
        return Word(found["bare"] or "", key)
    return Word(_ESCAPED.sub(r"\1", quoted), key, is_quoted=True)


def _checked(word: Word) -> Word:
    what = f"the value of {shown(word.key)}" if word.key else "one word of the command"
    if len(word.text) > VALUE_LIMIT:
        raise Misread(f"{what} is {len(word.text)} characters long, and {VALUE_LIMIT} is the most")
    if not word.is_quoted and word.text.startswith(_CURLY):
        raise Misread(
            f"{what} begins with a typographic quotation mark",
            f"Use straight ones: {code('key="two words"')}, or put straight ones around it.",
        )
    if not word.is_quoted and not word.key and word.text.startswith(_LONG_DASHES):
        raise Misread(
            "an option begins with a long dash",
            f"Write two hyphens: {code('--sha <40 hexadecimal digits>')}.",
        )
    return word
