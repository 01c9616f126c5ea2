r"""Lines that GitHub's runner acts upon: annotations, masks, groups, the switch that disarms foreign output. Pure.

Promise: whatever the words, a command is one line, and the runner reads back what was written, apart from white
space around the last property. The runner takes lines as .NET's `ReadLine` does, which ends them at `\r`, `\n`
and `\r\n` and nowhere else: U+2028, form feeds and the like go through as they are. Nothing ends with a newline
here; a command counts only on a line of its own, so whoever writes one ends an unfinished line first.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands and
`ActionCommand.cs` and `ActionCommandManager.cs` of https://github.com/actions/runner
"""

import re
from typing import Final, assert_never

from automation.redaction.secret_forms import MIN_LENGTH
from automation.result import AnnotationLevel

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_PROPERTY_NAMES: Final = {"end_line": "endLine", "column": "col", "end_column": "endColumn"}
_IN_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES: Final = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


def command(name: str, message: str = "", **properties: str | int | None) -> str:
    """One workflow command.

    Args:
        name: `error`, `group` and so on; ours, never somebody's words.
        message: what follows; any text.
        properties: in GitHub's names, or as Python has them (`end_line`, `column`, `end_column`); None and empty
            ones are left out, because the runner passes over a property without a value.

    Raises:
        ValueError: the name is none that a command can have.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a workflow command's name is letters, digits, - and _")
    given = [
        f"{_PROPERTY_NAMES.get(key, key)}={str(value).translate(_IN_PROPERTIES)}"
        for key, value in properties.items()
        if value not in {None, ""}
    ]
    head = f"{name} {','.join(given)}" if given else name
    return f"::{head}::{message.translate(_IN_DATA)}"


def annotation(
    level: AnnotationLevel,
    message: str,
    *,
    title: str | None = None,
    file: str | None = None,
    line: int | None = None,
    end_line: int | None = None,
    column: int | None = None,
    end_column: int | None = None,
) -> str:
    """A remark in the log and beside the changed lines.

    Columns are left out where start and end are on different lines, because the runner refuses them there, and
    a place in a file is left out where there is no file or no line.
    """
    if file is None or line is None:
        line = end_line = None
    if line is None or end_line not in {None, line}:
        column = end_column = None
    return command(
        _severity(level),
        message,
        title=title,
        file=file,
        line=line,
        end_line=end_line,
        column=column,
        end_column=end_column,
    )


def _severity(level: AnnotationLevel) -> str:
    match level:
        case AnnotationLevel.NOTICE:
            return "notice"
        case AnnotationLevel.WARNING:
            return "warning"
        case AnnotationLevel.FAILURE:
            return "error"
        case _:
            assert_never(level)


def masks(value: str) -> list[str]:
    """The commands that make the runner show `***` for a secret and for each of its lines.

    What is shorter than redaction's `MIN_LENGTH` gets none, as there. While commands are stopped a mask would be
    shown instead of obeyed. Masks cover the job's log only, neither checks nor comments.
    """
    whole = value.strip()
    parts = dict.fromkeys((whole, *(line.strip() for line in whole.splitlines())))
    return [command("add-mask", part) for part in parts if len(part) >= MIN_LENGTH]


def stop_commands(token: str) -> str:
    """From here on the runner obeys nothing, until `resume_commands` with this token.

    Args:
        token: random and long, or foreign output could resume.

    Raises:
        ValueError: it is shorter than 16 characters, or holds others than letters, digits, - and _.
    """
    return command("stop-commands", _checked(token))


def resume_commands(token: str) -> str:
    """The end of what `stop_commands` began; raises as it does."""
    return command(_checked(token))


def group(title: str) -> str:
    """From here on the lines of the log are folded under this title."""
    return command("group", title)


def end_group() -> str:
    """The end of what `group` began."""
    return command("endgroup")


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token that stops commands has at least 16 letters, digits, - and _")
    return token
