"""Text that commands nobody: neither this bot nor another one that reads along. Pure.

Bots take a line that begins with `/word` for a command, and what an automation writes appears under the bot's
name. An invisible U+200B behind the stroke leaves such a line readable and obeyed by none.
"""

import re
from typing import Final

from automation.report.fences import Walk
from automation.report.markdown import disarm
from bot.commands import COMMAND

_GUARD: Final = "\u200b"
_OURS: Final = re.compile(rf"^([^\S\n]*/)(?={COMMAND[1:]})", re.MULTILINE)
_ANYBODYS: Final = re.compile(r"^(\s*/)(?=[A-Za-z])")


def inert(markdown: str) -> str:
    """Markdown of an automation's, disarmed, of which no line is a command to anybody.

    It should come disarmed; what an older version has written, or nobody has looked at, is not taken on trust.
    """
    walk, shown = Walk(), list[str]()
    for line in disarm(markdown).split("\n"):
        shown += [part if block and block.certain else _guarded(part) for part, block in walk.take(line)]
    return quiet("\n".join([*shown, *(closing for closing, _ in walk.end())]))


def quiet(markdown: str) -> str:
    """Any text, of which no line is a command to us, in code or out of it."""
    return _OURS.sub(rf"\1{_GUARD}", markdown)


def _guarded(line: str) -> str:
    return _ANYBODYS.sub(rf"\1{_GUARD}", line)
