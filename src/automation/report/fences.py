"""Where code blocks begin and end in Markdown, line by line, and which of them are certain to be code.

Follows https://github.github.com/gfm/#fenced-code-blocks. A fence indented by up to three spaces is one
wherever it stands, though whether an outdented line ends it depends on whether it is part of a list; those
are made unambiguous by closing lines. A fence behind a list mark, a quotation mark or more spaces may be
none at all: it is followed but never called certain, and ends with what it stands in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = r"(?:[ ]*(?:>[ ]?|(?:[-*+]|\d{1,9}[.)])[ ]))*"
_OPENING = re.compile(rf"(?P<lead>{_CONTAINERS}[ ]*)(?P<run>`{{3,}}(?=[^`]*$)|~{{3,}})")
_CLOSING = re.compile(r"(?P<lead>[ >]*)(?P<run>`{3,}|~{3,})[ ]*")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open fence: what stands before it on its line, its run of marks, the whole line."""

    lead: str
    run: str
    line: str
    certain: bool

    @property
    def closing(self) -> str:
        return " " * len(self.lead) + self.run

    def closed_by(self, line: str) -> bool:
        found = _CLOSING.fullmatch(line.expandtabs(4))
        return (
            found is not None
            and found["run"].startswith(self.run)
            and len(found["lead"]) <= len(self.lead) + 3
            and (">" in self.lead or ">" not in found["lead"])
        )

    def left_by(self, line: str) -> bool:
        """Whether the line may stand outside of what the fence stands in, which would end the fence."""
        if ">" in self.lead:
            return not line.lstrip().startswith(">")
        return bool(line.strip()) and _indent(line) < len(self.lead)


class Walk:
    """Takes the lines of a text one by one and tells which fence each belongs to.

    A closing line is added where a certain fence is left without one, and one of doubtful indent is set
    straight, so that the lines joined again mean the same to every reader. `open` is the fence that is open
    after the lines so far.
    """

    def __init__(self) -> None:
        self._murky = False
        self.open: Fence | None = None

    def inside(self, line: str) -> bool:
        """Whether the line, coming next, belongs to the open fence or opens one."""
        still_open = self.open is not None and not self.open.left_by(line)
        return still_open or _OPENING.match(line.expandtabs(4)) is not None

    def take(self, line: str) -> Iterator[tuple[str, Fence | None]]:
        """The line, and the closing one before it where it is missing, each with its fence or None."""
        if self.open and self.open.left_by(line):
            yield from self.end()
        if self.open is None:
            self.open = self._opened(line)
            yield line, self.open
        elif self.open.closed_by(line):
            straight = not self.open.certain or _indent(line) == len(self.open.lead)
            yield line if straight else self.open.closing, self.open
            self.open = None
        else:
            yield line, self.open

    def end(self) -> Iterator[tuple[str, Fence | None]]:
        """The closing line that is missing at the end, if one is."""
        if self.open and self.open.certain:
            yield self.open.closing, self.open
        self.open = None

    def _opened(self, line: str) -> Fence | None:
        # After a doubtful fence, an indented one may be its end; a line at the margin ends the doubt.
        if line.strip() and not line.startswith((" ", "\t", ">")):
            self._murky = False
        found = _OPENING.match(line.expandtabs(4))
        if not found:
            return None
        lead = found["lead"]
        certain = lead in ("", " ", "  ", "   ") and not (lead and self._murky)
        self._murky |= not certain
        return Fence(lead, found["run"], line, certain)


def close(markdown: str) -> str:
    """The text with every fence closed that could swallow what follows."""
    walk = Walk()
    lines = [shown for line in markdown.split("\n") for shown, _ in walk.take(line)]
    return "\n".join([*lines, *(shown for shown, _ in walk.end())])


def open_at_end(markdown: str) -> Fence | None:
    """The fence that the text leaves open."""
    walk = Walk()
    for line in markdown.split("\n"):
        for _ in walk.take(line):
            pass
    return walk.open


def _indent(line: str) -> int:
    spaces = line.expandtabs(4)
    return len(spaces) - len(spaces.lstrip(" "))
