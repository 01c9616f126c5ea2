"""The contents in a tar that git has written, and nothing of what it calls them. Pure.

Names, owners and modes are passed over, and so is what is neither a file nor a symbolic link. Nothing is held in
memory but a piece of a file or a small header, and no more is read than was allowed. `tarfile` promises neither
(python/cpython#151498: headers of any size are read at once; CVE-2026-11972: an end that is missing is sought on).

Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
"""

import io
import re
from collections.abc import Iterator

_CHUNK = 64 * 1024
_BLOCK = 512
_LARGEST_HEADER = 1024 * 1024
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_RECORD = re.compile(rb"([0-9]{1,7}) ")


class Unusable(Exception):
    """No tar as `git archive` writes it, or larger than it may be."""


def contents(stream: io.BufferedIOBase, allowance: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The size and the content of each file and of each symbolic link, whose content is its target.

    Args:
        stream: the tar, unpacked.
        allowance: most bytes that are read of it.

    Yields:
        Contents in pieces; what is left of one when the next is asked for is passed over.

    Raises:
        Unusable: it is damaged, cut off, or larger than it may be.
    """
    tape = _Tape(stream, allowance)
    long_target: bytes | None = None
    while (header := tape.read(_BLOCK)).strip(b"\0"):
        size = _number(header[124:136])
        if _number(header[148:156]) != sum(header[:148]) + sum(header[156:]) + 8 * ord(" "):
            raise Unusable("a header in it is damaged")
        kind = header[156:157]
        if kind in {b"x", b"g", b"K", b"L"}:
            announced = _announced(kind, tape, size)
            long_target = long_target if announced is None else announced
            continue
        body = tape.body(size)
        if kind in {b"0", b"\0", b"7"}:
            yield size, body
        elif kind == b"2":
            target = header[157:257].rstrip(b"\0") if long_target is None else long_target
            yield len(target), iter([target])
        for _ in body:
            pass
        long_target = None


class _Tape:
    """A tar stream, read forward, and not further than it is allowed to reach."""

    def __init__(self, stream: io.BufferedIOBase, allowance: int) -> None:
        self._stream = stream
        self._left = allowance

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise Unusable("it unpacks to more than the commit has")
        data = self._stream.read(size)
        if len(data) < size:
            raise Unusable("it ends too early")
        self._left -= size
        return data

    def body(self, size: int) -> Iterator[bytes]:
        """A member's content in pieces, to be read to the end."""
        if size > self._left:
            raise Unusable("it unpacks to more than the commit has")
        left = size
        while left:
            piece = self.read(min(_CHUNK, left))
            left -= len(piece)
            yield piece
        self.read(-size % _BLOCK)


def _announced(kind: bytes, tape: _Tape, size: int) -> bytes | None:
    """The target that a header of its own gives the next member; names are of no interest.

    Sizes would be, but are only put there from 8 GiB on, which is more than we carry.
    """
    if size > _LARGEST_HEADER:
        raise Unusable("a header in it is too large")
    body = b"".join(tape.body(size))
    match kind:
        case b"x":
            return _records(body).get(b"linkpath")
        case b"K":
            return body.rstrip(b"\0")
        case _:
            return None


def _number(octal: bytes) -> int:
    match = _OCTAL.fullmatch(octal)
    if match is None:
        raise Unusable("a header in it is damaged, or a file too large")
    return int(match[1] or b"0", 8)


def _records(body: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        length = _RECORD.match(body, at)
        end = at + int(length[1]) if length else 0
        if length is None or not length.end() < end <= len(body):
            raise Unusable("a header in it is damaged")
        name, _, value = body[length.end() : end - 1].partition(b"=")
        found[name] = value
        at = end
    return found
