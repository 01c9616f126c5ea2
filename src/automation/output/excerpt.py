"""What is kept of a long output in bounded memory: its beginning, its end, and the first error between.

Never raises, whatever the bytes; nothing is decoded before it is asked for. Cuts fall on line boundaries
where one is near, and never inside of a UTF-8 character.
"""

from codecs import getincrementaldecoder

from automation.output.first_error import FirstError

_NEAR = 8 * 1024
_LONGEST_CHARACTER = 4
_CONTINUATION = range(0b1000_0000, 0b1100_0000)
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


class Excerpt:
    """Collects output.

    Args:
        head_bytes: how much of the beginning is kept.
        tail_bytes: how much of the end is kept; memory is bounded by the head and twice the tail.

    Attributes:
        total: bytes seen.
    """

    def __init__(self, head_bytes: int = 256 * 1024, tail_bytes: int = 1024 * 1024) -> None:
        self.total = 0
        self._head_bytes, self._tail_bytes = head_bytes, tail_bytes
        self._head, self._tail = bytearray(), bytearray()
        self._errors = FirstError()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the output."""
        self.total += len(chunk)
        self._errors.feed(chunk)
        room = self._head_bytes - len(self._head)
        if room:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if len(chunk) >= self._tail_bytes:
            self._tail = bytearray(chunk[len(chunk) - self._tail_bytes :])
        else:
            self._tail += chunk
            if len(self._tail) > 2 * self._tail_bytes:
                del self._tail[: len(self._tail) - self._tail_bytes]

    @property
    def kept(self) -> tuple[bytes, bytes]:
        """The beginning and the end as they are kept; what lies between them is left out where `truncated`."""
        return bytes(self._head), self._last()

    def since(self, offset: int) -> list[tuple[int, bytes]]:
        """What is kept of the output from a byte on: pieces with where each begins, in order, none of them empty."""
        head, tail = self.kept
        pieces = ((0, head), (self.total - len(tail), tail))
        cut = ((max(start, offset), data[max(offset - start, 0) :]) for start, data in pieces)
        return [(start, data) for start, data in cut if data]

    @property
    def truncated(self) -> bool:
        """Whether something of the middle is left out."""
        return self.total > self._head_bytes + self._tail_bytes

    @property
    def first_error(self) -> str | None:
        """The first line that looks like an error, also where it is left out of the text."""
        return self._errors.line

    def text(self) -> str:
        """All of the output, or its two ends around a line that says how much is left out between them."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        head = bytes(self._head[: end_of_whole(self._head)])
        tail = self._last()
        tail = tail[start_of_whole(tail) :]
        between = left_out(self.total - len(head) - len(tail))
        ended = "" if head.endswith(b"\n") else "\n"
        return f"{head.decode('utf-8', 'replace')}{ended}{between}\n{tail.decode('utf-8', 'replace')}"

    def tail(self, size: int) -> str:
        """The last `size` bytes at most, from the beginning of a line where one is near."""
        kept = self._last() if self.truncated else bytes(self._head + self._tail)
        if len(kept) <= size and not self.truncated:
            return kept.decode("utf-8", "replace")
        kept = kept[-size:]
        return kept[start_of_whole(kept) :].decode("utf-8", "replace")

    def last_lines(self, count: int) -> list[str]:
        """The last lines, oldest first, at most `count`; empty ones at the very end do not count."""
        if count <= 0:
            return []
        kept = self._last() if self.truncated else bytes(self._head + self._tail)
        kept = (kept[start_of_whole(kept) :] if self.truncated else kept).rstrip()
        lines = kept.rsplit(b"\n", count)[-count:] if kept else []
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]

    def _last(self) -> bytes:
        return bytes(self._tail[max(0, len(self._tail) - self._tail_bytes) :])


def left_out(size: int) -> str:
    """The line that stands for so many bytes: `… 12.3 MB left out …`."""
    amount, unit = float(size), 0
    while amount >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - would show as 1000.0
        amount, unit = amount / 1000, unit + 1
    return f"… {amount:.{min(unit, 1)}f} {_UNITS[unit]} left out …"


def end_of_whole(data: bytes | bytearray) -> int:
    """Where to cut the end off: after the last line break if it is near, else between two characters."""
    line_end = data.rfind(b"\n", max(0, len(data) - _NEAR)) + 1
    if line_end > len(data) // 2:
        return line_end
    decoder = getincrementaldecoder("utf-8")("replace")
    decoder.decode(data[-_LONGEST_CHARACTER:])
    return len(data) - len(decoder.getstate()[0])


def start_of_whole(data: bytes | bytearray) -> int:
    """Where to cut the beginning off: after the first line break if it is near, else between characters."""
    line_start = data.find(b"\n", 0, _NEAR) + 1
    if 0 < line_start < len(data) // 2:
        return line_start
    start = 0
    while start < min(_LONGEST_CHARACTER, len(data)) and data[start] in _CONTINUATION:
        start += 1
    return start
