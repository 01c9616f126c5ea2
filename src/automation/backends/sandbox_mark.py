"""The mark in a sandbox that says whose it is: by it we delete ours, and nobody else's. Pure.

The first mark stays: it is made by a shell that overwrites nothing, under a name that has the sandbox's id in it, since
sandboxes can share a disk. It holds no secret: the server keeps the text of each command.
"""

import re
from shlex import quote
from typing import Final

_DIRECTORY: Final = '"${OH_WORKSPACE_PATH:-$HOME/.openhands/workspaces}/automation-sandboxes"'
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MARK: Final = re.compile(r"[!-~]+( [!-~]+)*")
LONGEST: Final = 1000


def mark_command(sandbox_id: str, owner: str) -> str:
    """Mark the sandbox, unless it is marked, and print its mark."""
    assert _MARK.fullmatch(owner)  # noqa: S101
    assert len(owner) <= LONGEST  # noqa: S101
    name = _name(sandbox_id)
    make = f"set -C; printf '%s\\n' {quote(owner)} > {name}"
    return f"umask 077; mkdir -p {_DIRECTORY} && cd {_DIRECTORY} || exit 73; ({make}) 2>/dev/null; head -c {LONGEST} {name}"


def read_mark_command(sandbox_id: str) -> str:
    """Print the sandbox's mark, or nothing where it has none."""
    return f"head -c {LONGEST} {_DIRECTORY}/{_name(sandbox_id)} 2>/dev/null || true"


def parse_mark(answer: str) -> str:
    """The mark that was printed; empty for none, or for what is none of ours."""
    line = answer.removesuffix("\n")
    return line if _MARK.fullmatch(line) else ""


def _name(sandbox_id: str) -> str:
    assert _ID.fullmatch(sandbox_id)  # noqa: S101
    return quote(f"{sandbox_id}.owner")
