"""A file of settings, as `automation-bot setup` writes it and `--env-file` reads it.

One `NAME=value` a line, comments behind `#` at a line's start, and nothing else: no quotes, no `export`, no
continuation. systemd's `EnvironmentFile=` and `docker run --env-file` read the same lines in the same way.
What does not fit is named by its line; values are never quoted.
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from automation.errors import Misconfigured, Place
from bot.settings import NAMES

LONGEST: Final = 256 * 1024
"""Bytes."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def with_file(environment: Mapping[str, str], path: Path | None) -> dict[str, str]:
    """The environment, and behind it what the file says.

    Raises:
        Misconfigured: the file cannot be read, or is not of its form.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    return (read_env_file(path) if path else {}) | given


def read_env_file(path: Path) -> dict[str, str]:
    """The file's settings.

    Raises:
        Misconfigured: it cannot be read, or with all lines that are wrong.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1).decode()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read ({error.strerror or type(error).__name__})") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is no text; expected lines of NAME=value") from None
    if len(text) > LONGEST:
        raise Misconfigured(f"{path} is too long for a file of settings; expected lines of NAME=value")
    found, places = _read(text, str(path))
    if places:
        complaints = "\n".join(f"{place.file}:{place.line}: {place.complaint}" for place in places)
        raise Misconfigured(complaints, places=tuple(places))
    return found


def env_line(name: str, value: str) -> str:
    """A line of the file.

    Raises:
        Misconfigured: a value that no line can carry.
    """
    if not value.isprintable() or _is_quoted(value) or value != value.strip():
        raise Misconfigured(
            f"{name} cannot be written to a file of settings: expected one plain line of text"
        )
    return f"{name}={value}\n"


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all.

    Raises:
        Misconfigured: the directory does not take it.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # opened 0600 from the start
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written ({error.strerror or type(error).__name__})") from None


def _read(text: str, file: str) -> tuple[dict[str, str], list[Place]]:
    found: dict[str, str] = {}
    places: list[Place] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if complaint := _complaint(name, equals, value, found):
            places.append(Place(file, number, complaint))
        else:
            found[name] = value
    return found, places


def _complaint(name: str, equals: str, value: str, found: Mapping[str, str]) -> str:
    if not equals or not _NAME.fullmatch(name):
        return "expected NAME=value, without `export` and without spaces around the `=`"
    if name in found:
        return f"{name} is given twice; give it once"
    if _is_quoted(value):
        return f"{name}: quotes would be part of the value; leave them out"
    if not value.isprintable():
        return f"{name}: expected a value without control characters"
    if name.startswith("BOT_") and name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        return f"{name} is no setting of the bot" + (f"; did you mean {near[0]}?" if near else "")
    return ""


def _is_quoted(value: str) -> bool:
    return value[:1] in {"'", '"'}
