"""Patterns over bytes that know when they are unfinished, so that a stream can be searched in pieces.

A `Pattern` is a sequence of units, each with the byte strings that may stand for it. Besides its matches
it tells where the data ends in what could still become one. A fixed run of bytes is looked up first, at
the speed of `bytes.find`; the rest of the work is only done where that hits. Neither class shows its
content in `repr`: patterns are made of secrets.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

type Unit = tuple[bytes, ...]

HEAD = 4
"""Bytes by which a pattern is first recognised; none may be shorter."""


@dataclass(frozen=True, slots=True, repr=False)
class Pattern:
    """A sequence of units; `longest` is the most bytes that a match can have."""

    units: tuple[Unit, ...]
    anchor: bytes = field(init=False)
    heads: tuple[bytes, ...] = field(init=False)
    longest: int = field(init=False)

    def __post_init__(self) -> None:
        fixed = [unit[0] for unit in self.units if len(unit) == 1]
        object.__setattr__(self, "anchor", max(fixed, key=len, default=b""))
        object.__setattr__(self, "heads", tuple(sorted(_heads(self.units))))
        object.__setattr__(self, "longest", sum(max(map(len, unit)) for unit in self.units))

    def reach(self, data: bytes, start: int) -> tuple[int | None, bool]:
        """Where the longest match from `start` ends, and whether more data could make a longer one."""
        ends, growing = {start}, False
        for unit in self.units:
            further = set()
            for at in ends:
                room = len(data) - at
                for way in unit:
                    if len(way) <= room:
                        if data.startswith(way, at):
                            further.add(at + len(way))
                    elif way.startswith(data[at:]):
                        growing = True
            ends = further
            if not ends:
                return None, growing
        return max(ends), growing

    def matches(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Every place where this pattern stands, overlapping ones too."""
        first = self.units[0]
        for needle in first if len(first) == 1 and len(first[0]) >= HEAD else self.heads:
            start = data.find(needle)
            while start >= 0:
                end, _ = self.reach(data, start)
                if end is not None:
                    yield start, end
                start = data.find(needle, start + 1)


class Patterns:
    """A set of patterns searched together; an empty set finds nothing."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        by_head: dict[bytes, list[Pattern]] = defaultdict(list)
        self._by_anchor = [(pattern.anchor, pattern) for pattern in patterns]
        for _, pattern in self._by_anchor:
            for head in pattern.heads:
                by_head[head].append(pattern)
        self._by_head = [(head, max(p.longest for p in group) - 1, group) for head, group in by_head.items()]
        self._stubs = {head[:n] for head in by_head for n in range(1, HEAD)}
        self._bytes = {
            byte for _, pattern in self._by_anchor for unit in pattern.units for byte in b"".join(unit)
        }
        self.longest = max((pattern.longest for _, pattern in self._by_anchor), default=0)

    def __bool__(self) -> bool:
        return bool(self._by_anchor)

    def extended(self, patterns: Iterable[Pattern]) -> "Patterns":
        """The same and these."""
        return Patterns([*(pattern for _, pattern in self._by_anchor), *patterns])

    def matches(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of all matches, in no order."""
        for anchor, pattern in self._by_anchor:
            if anchor in data:
                yield from pattern.matches(data)

    def unfinished(self, data: bytes) -> Iterator[int]:
        """Every start of what more data could turn into a match, or into a longer one, in no order."""
        if not data or data[-1] not in self._bytes:
            return
        for n in range(1, min(HEAD, len(data) + 1)):
            if data[-n:] in self._stubs:
                yield len(data) - n
        tail = data[-self.longest :]
        before = len(data) - len(tail)
        for head, window, patterns in self._by_head:
            if head in tail:
                start = data.find(head, max(before, len(data) - window))
                while start >= 0:
                    if any(pattern.reach(data, start)[1] for pattern in patterns):
                        yield start
                    start = data.find(head, start + 1)


def _heads(units: Iterable[Unit]) -> set[bytes]:
    heads = {b""}
    for unit in units:
        heads = {(head + way)[:HEAD] for head in heads for way in unit}
        if all(len(head) == HEAD for head in heads):
            break
    return heads
