"""Whose the runs on a server are, by the owner's mark in each one's directory.

A run, and whoever shares its server, can write any mark: it says what to look up, and no more.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Final
from uuid import UUID

from automation.agent_server import AgentServer
from automation.run.commands import root_of

WITHIN: Final = 30.0
_KEY: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Marked:
    """What was found.

    Attributes:
        marks: by the run's id.
        old: names of directories that have been there for more than a day, whosever they are.
    """

    marks: Mapping[UUID, str]
    old: frozenset[str]


async def find_marked(server: AgentServer, text: str, base: str | None, *, most: int) -> Marked:
    """Runs in whose mark this text stands, and what lies there for long, so many of each at the most.

    Raises:
        ServerUnavailable: the server did not look.
    """
    record = await server.execute(find_marked_command(text, base, most=most), timeout=WITHIN)
    return parse_marked(record.stdout)


def find_marked_command(text: str, base: str | None, *, most: int) -> str:
    # A run can put anything at that name: what is no short file is no mark.
    marks = "find . -mindepth 2 -maxdepth 2 -name owner -type f -size -3"
    old = "find . -mindepth 1 -maxdepth 1 -type d -mtime +0"
    return f"""cd {root_of(base)}/automation-runs 2>/dev/null || exit 0
{marks} -exec grep -HF -e {quote(text)} {{}} + | head -n {most}
{old} | head -n {most}"""


def parse_marked(answer: str) -> Marked:
    """What the command printed; what is not of its form is passed over."""
    marks: dict[UUID, str] = {}
    old: set[str] = set()
    for line in answer.splitlines():
        name, is_marked, mark = line.removeprefix("./").partition("/owner:")
        if not is_marked:
            old.add(name)
        elif _KEY.fullmatch(name):
            marks.setdefault(UUID(name), mark)
    return Marked(marks, frozenset(old))
