"""The hidden first line of every comment of the bot, by which it finds the comment again. Pure.

A marker is no proof: anybody can write one. Whose comment it is, GitHub says.
"""

import hashlib
import re
from typing import Final

LIMIT: Final = 200
"""Characters of a key as it is written."""

_KEY: Final = re.compile(r"[a-z0-9:/]+(?:-[a-z0-9:/]+)*")
_MARKER: Final = re.compile(r"<!-- automation-bot:([a-z0-9:/-]+) -->")
_OTHER: Final = re.compile(r"[^a-z0-9:/]+")
_READABLE: Final = 100
_DIGITS: Final = 16


def marker(key: str) -> str:
    """The line for comments of this key; another one for every other key.

    Args:
        key: of `a-z 0-9 : /` and single `-` in between; any other is written as a likeness with a digest.
    """
    return f"<!-- automation-bot:{_written(key)} -->"


def key_of(body: str) -> str | None:
    """The key of a comment as it is written there; None where its text does not begin with a marker."""
    found = _MARKER.match(body)
    return found[1] if found and len(found[1]) <= LIMIT else None


def _written(key: str) -> str:
    if len(key) <= LIMIT and _KEY.fullmatch(key):
        return key
    likeness = _OTHER.sub("-", key.lower())[:_READABLE].strip("-")
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{likeness}/{digest}"
