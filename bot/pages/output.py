r"""A run's output as a page shows it: whole lines of plain text, and where to go on after them. Pure.

Only whole lines are final: the one that is being written may still turn out to hold half a character, half an
escape sequence, or a progress mark that the next one overwrites. Takes any bytes, never raises; memory is bounded
by the piece in hand.
"""

import re
from collections.abc import Iterable

from automation.output.excerpt import end_of_whole, left_out, start_of_whole
from automation.output.terminal import plain
from bot.runs.piece import Piece

LONGEST = 64 * 1024
"""Bytes of a line after which it is shown in parts."""

# They make a line read otherwise than it is: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def inert(text: str) -> str:
    """The text as a reader of the terminal would have seen it, with what turns its direction spelled out."""
    return _TURNING.sub(lambda found: f"[U+{ord(found.group()):04X}]", plain(text))


class Lines:
    """Collects pieces and gives lines.

    Args:
        offset: in bytes; what comes before it in the output has been shown.
    """

    def __init__(self, offset: int = 0) -> None:
        self._seen = offset
        self._begun = b""

    @property
    def offset(self) -> int:
        """Where the lines that were given end in the output, in bytes: going on from here repeats and loses nothing."""
        return self._seen - len(self._begun)

    @property
    def unfinished(self) -> str:
        """The line that is being written, as it stands."""
        return inert(self._begun[: end_of_whole(self._begun)].decode("utf-8", "replace"))

    def feed(self, piece: Piece) -> str:
        """The lines that the piece completes, each with its line break."""
        if piece.end <= self._seen:
            return ""
        fresh, before = piece.data[max(0, self._seen - piece.start) :], ""
        if piece.start > self._seen:
            fresh = fresh[start_of_whole(fresh) :]
            before = self._gap(piece.end - len(fresh) - self._seen)
        self._seen = piece.end
        data = self._begun + fresh
        end = data.rfind(b"\n") + 1
        if len(data) - end > LONGEST:
            end += end_of_whole(data[end:])
        self._begun = data[end:]
        return before + inert(data[:end].decode("utf-8", "replace"))

    def _gap(self, size: int) -> str:
        begun, self._begun = self.unfinished, b""
        ended = "\n" if begun else ""
        return f"{begun}{ended}{left_out(size)}\n"


def text_of(pieces: Iterable[Piece]) -> tuple[str, Lines]:
    """The whole lines of what is kept of an output, and the state from which to go on."""
    lines = Lines()
    return "".join([lines.feed(piece) for piece in pieces]), lines
