"""The contents of a commit's files, known by their git blob ids: from GitHub's tarball, and what that lacks, one by one."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO

from automation.errors import Misconfigured
from automation.packing.blobs import Item, is_lfs_pointer
from automation.packing.tar_contents import Unusable, contents
from automation.packing.tree import SUBMODULE, named
from automation.reasons import Reason

MAX_FETCHED = 200
MAX_FETCHED_BYTES = 50 * 1024 * 1024
"""Most contents that are fetched beside the tarball, in number and in bytes."""

_CHUNK = 64 * 1024
INSTEAD = (
    "Have the commit in the checkout instead (actions/checkout with `fetch-depth: 0`), "
    "or set `github.repository: none`"
)


def incomplete(what: str) -> Misconfigured:
    return Misconfigured(f"{what}. {INSTEAD}", reason=Reason.ARCHIVE_INCOMPLETE)


@dataclass
class ContentStore:
    """Contents, one after the other in a file without a name, found by blob id."""

    file: IO[bytes]
    pointers: list[str] = field(default_factory=list)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    _end: int = 0

    @classmethod
    @contextmanager
    def filled(
        cls,
        tarball: Path,
        items: Sequence[Item],
        allowance: int,
        workspace: Path,
        blob: Callable[[str], bytes],
    ) -> Iterator["ContentStore"]:
        """A store that has all contents of the items, for the body of a `with`."""
        with TemporaryFile(dir=workspace) as file:
            store = cls(file)
            store._take_from(tarball, items, allowance)
            store._fetch(items, blob)
            yield store

    def announce(self, items: Iterable[Item]) -> None:
        """Everything is here already."""

    def open(self, item: Item) -> BinaryIO:
        """The content of an item."""
        start, size = self._places[item.sha]
        if size > _CHUNK:
            return io.BufferedReader(_Part(self.file, start, size), _CHUNK)
        self.file.seek(start)
        content = self.file.read(size)
        if is_lfs_pointer(content):
            self.pointers.append(item.path)
        return io.BytesIO(content)

    def _has(self, item: Item) -> bool:
        return item.mode == SUBMODULE or self._places.get(item.sha, (0, -1))[1] == item.size

    def _take_from(self, tarball: Path, items: Iterable[Item], allowance: int) -> None:
        wanted = {item.sha for item in items if item.mode != SUBMODULE}
        sizes = {item.size for item in items if item.mode != SUBMODULE}
        try:
            with gzip.open(tarball) as stream:
                for size, content in contents(stream, allowance):
                    if not wanted:
                        return
                    if size in sizes:
                        wanted.discard(self._take(size, content, wanted))
        except (Unusable, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise incomplete(f"GitHub's tarball of the commit cannot be used ({error})") from None

    def _take(self, size: int, content: Iterable[bytes], wanted: Collection[str]) -> str:
        """Keep a content if it is wanted; the next one is written over it otherwise."""
        self.file.seek(self._end)
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        for chunk in content:
            digest.update(chunk)
            self.file.write(chunk)
        sha = digest.hexdigest()
        if sha in wanted:
            self._places[sha] = self._end, size
            self._end += size
        return sha

    def _fetch(self, items: Iterable[Item], blob: Callable[[str], bytes]) -> None:
        lost = {item.sha: item for item in items if not self._has(item)}
        if len(lost) > MAX_FETCHED or sum(item.size for item in lost.values()) > MAX_FETCHED_BYTES:
            raise incomplete(
                f"GitHub's tarball lacks {len(lost)} of the commit's files or has them changed (by export-ignore, "
                f"export-subst, line endings or Git LFS), and at most {MAX_FETCHED} with "
                f"{MAX_FETCHED_BYTES} bytes are fetched one by one: {named([item.path for item in lost.values()])}"
            )
        for sha in lost:
            content = blob(sha)
            self._take(len(content), [content], {sha})
        wrong = [item.path for item in items if not self._has(item)]
        if wrong:
            raise incomplete(f"what GitHub has of the commit's files is not what it lists: {named(wrong)}")


class _Part(io.RawIOBase):
    """A part of a file that nobody else reads meanwhile."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._at = start
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        self._file.seek(self._at)
        chunk = self._file.read(min(len(buffer), self._left))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        self._left -= len(chunk)
        return len(chunk)
