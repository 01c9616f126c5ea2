"""The files through which a step speaks to GitHub's runner: `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and their like.

Promise: a value arrives as it was, whatever stands in it, and can never become a second assignment: its end is a
line that nobody could foresee. Half characters (lone surrogates) become `?`. What cannot be written is `NotWritten`,
because a place that is read-only or gone must not cost anybody the verdict.

Source: `FileCommandManager.cs` of https://github.com/actions/runner, and
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
"""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_DELIMITER: Final = re.compile(r"[A-Za-z0-9_-]+")
_DRAWS: Final = 10


class NotWritten(Exception):
    """The file could not be written; the message says which one and why, in one line."""


def fresh_delimiter() -> str:
    """A line that no value holds but by a chance of one in 2^128."""
    return f"END_{secrets.token_hex(16)}"


def delimiter_for(value: str, draw: Callable[[], str] = fresh_delimiter) -> str:
    """A delimiter that does not occur in the value.

    Raises:
        ValueError: `draw` gave none in ten tries; it is not random.
    """
    for _ in range(_DRAWS):
        if (drawn := draw()) not in value:
            return drawn
    raise ValueError("no delimiter was found that does not occur in the value")


def assignment(name: str, value: str, delimiter: str) -> str:
    """The lines that give an output, or a variable, its value.

    Args:
        name: the output's; ours, never somebody's words.
        value: any text.
        delimiter: from `delimiter_for`.

    Raises:
        ValueError: the name or the delimiter is none, or the delimiter occurs in the value.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("an output's name is letters, digits, - and _, and begins with a letter or _")
    if not _DELIMITER.fullmatch(delimiter) or delimiter in value:
        raise ValueError(f"the delimiter of the output {name} is no word, or occurs in its value")
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def append(path: Path, text: str) -> None:
    """Add text to the end of a file, on a line of its own and in one write; newlines stay as they are.

    Raises:
        NotWritten: there is no such directory, the file cannot be written, or its disk is full.
    """
    try:
        with path.open("ab+", buffering=0) as file:
            data = text.encode("utf-8", "replace")
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                data = data if file.read(1) == b"\n" else b"\n" + data
            if file.write(data) != len(data):
                raise NotWritten(f"only a part of the text fits into {path}")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror or error}") from None
