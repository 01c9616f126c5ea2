"""The contents of blobs, by one `git cat-file --batch` for all of them.

Small blobs are read at once, large ones in pieces. A blob that is missing, damaged or of another size than the
tree says is `Misconfigured` with the reason `archive-incomplete`: nobody gets less than there should be.
Source: https://git-scm.com/docs/git-cat-file#_batch_output
"""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, BinaryIO

from automation.errors import Misconfigured
from automation.packing.git import Git, Running
from automation.reasons import Reason

_SMALL = 64 * 1024
_LONGEST_TARGET = 4096
_AHEAD = 32  # requests of 65 bytes at most; a pipe holds 4 KiB at the very least
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: a pointer begins so and is under 1024 bytes.
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_BYTES = 1024


@dataclass(frozen=True)
class Item:
    """One entry of a tree: its mode as git writes it, its object, bytes, and path."""

    mode: str
    sha: str
    size: int
    path: str


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a file stands for another one that Git LFS keeps."""
    return len(content) < _LFS_BYTES and content.startswith(_LFS_POINTER)


def link_target(content: bytes) -> str:
    """Where the link with this content points; empty where no file system would take the target."""
    usable = len(content) <= _LONGEST_TARGET and b"\0" not in content
    return content.decode("utf-8", "surrogateescape") if usable else ""


def missing(item: Item) -> Misconfigured:
    """The refusal where a blob is not there or not whole."""
    return Misconfigured(
        f"the file {item.path!r} cannot be read from the repository: its object {item.sha} is missing or damaged. "
        "Check the repository out without `filter`, or repair it",
        reason=Reason.ARCHIVE_INCOMPLETE,
    )


@dataclass
class Blobs:
    """Reads blobs one after the other, in the order in which they were announced.

    A few are asked for ahead, so that git works while the last is being packed. The requests under way always
    fit into a pipe, so neither side can wait for the other for ever.
    """

    running: Running
    pointers: list[str] = field(default_factory=list)
    _announced: Iterator[Item] = field(default_factory=lambda: iter(()))
    _asked: deque[Item] = field(default_factory=deque)

    @classmethod
    @contextmanager
    def reading(cls, git: Git) -> Iterator["Blobs"]:
        """Blobs of a repository, for the body of a `with`."""
        with git.running("cat-file", "--batch", requests=True) as running:
            yield cls(running)

    def announce(self, items: Iterable[Item]) -> None:
        """Say what will be opened, in that order; all that was announced before has been read."""
        self._announced = iter(items)

    def open(self, item: Item) -> BinaryIO:
        """The content of the next announced blob, to be read to its end before another is opened.

        Raises:
            Misconfigured: `archive-incomplete`, here or while it is read.
        """
        self._ask_ahead()
        asked = self._asked.popleft()
        header = self.running.output.readline().split()
        if asked is not item or header != [item.sha.encode(), b"blob", str(item.size).encode()]:
            raise missing(item)
        if item.size > _SMALL:
            return io.BufferedReader(_Blob(self.running.output, item), _SMALL)
        content = self._read(item)
        if is_lfs_pointer(content):
            self.pointers.append(item.path)
        return io.BytesIO(content)

    def _ask_ahead(self) -> None:
        if len(self._asked) > _AHEAD // 2:
            return
        more = list(islice(self._announced, _AHEAD - len(self._asked)))
        self._asked.extend(more)
        try:
            self.running.requests.write(b"".join(f"{item.sha}\n".encode() for item in more))
            self.running.requests.flush()
        except BrokenPipeError:
            raise missing(self._asked[0]) from None

    def _read(self, item: Item) -> bytes:
        answer = self.running.output.read(item.size + 1)
        if len(answer) != item.size + 1:
            raise missing(item)
        return answer[:-1]


class _Blob(io.RawIOBase):
    """One large blob within the answers of `git cat-file --batch`, with the newline that ends it."""

    def __init__(self, answers: IO[bytes], item: Item) -> None:
        super().__init__()
        self._answers = answers
        self._item = item
        self._left = item.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if not self._left:
            return 0
        chunk = self._answers.read(min(len(buffer), self._left))
        if not chunk:
            raise missing(self._item)
        buffer[: len(chunk)] = chunk
        self._left -= len(chunk)
        if not self._left and self._answers.read(1) != b"\n":
            raise missing(self._item)
        return len(chunk)
