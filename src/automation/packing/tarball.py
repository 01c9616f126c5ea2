"""GitHub's tarball of a commit, made trustworthy: packed, or put on the disk, as the commit's tree has it.

What GitHub sends is `git archive`: it leaves out what has `export-ignore`, rewrites `export-subst` and line
endings, and may hold LFS objects in place of their pointers. Therefore the tree's listing says what there is, and
the tarball only gives contents, known by their git blob ids. Its names, modes and links are never followed, so
nothing in them leads anywhere. Contents that it lacks are fetched one by one, within bounds.

Every file has the id that the listing gives it, and the archive is the one that `automation.packing.tree` makes of
the same commit, or there is none: `Misconfigured`, with the reason `archive-incomplete` where contents or names are
not to be had. No file is held in memory, and no more is unpacked than the listing leads to expect.

Names that are not UTF-8 have no place in the API's JSON, and what GitHub does with them is not known. They are
refused where that can be seen: given the id of the tree, by a listing that is not that tree; without it, by the
replacement character in a path.

Sources: https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar,
https://docs.github.com/en/rest/git/trees and https://git-scm.com/docs/git-archive
"""

import gzip
import hashlib
import io
import re
import shutil
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, BinaryIO

from automation.errors import Misconfigured
from automation.packing.blobs import Item, is_lfs_pointer
from automation.packing.tar_contents import Unusable, contents
from automation.packing.tree import (
    MAX_BYTES,
    MAX_FILES,
    SUBMODULE,
    TreeArchive,
    named,
    refuse_git_path,
    refuse_too_much,
    write_items,
)
from automation.reasons import Reason

MAX_FETCHED = 200
MAX_FETCHED_BYTES = 50 * 1024 * 1024
"""Most contents that are fetched beside the tarball, in number and in bytes."""

_CHUNK = 64 * 1024
_LONGEST_PATH = 4096  # Linux takes no longer one: PATH_MAX
_SHA = re.compile(r"[0-9a-f]{40}")
_MODE = re.compile(r"100[0-7]{3}|120000|160000")
_INSTEAD = (
    "Have the commit in the checkout instead (actions/checkout with `fetch-depth: 0`), "
    "or set `github.repository: none`"
)

_SPARE = 64 * 1024 * 1024  # for directories, and for what export-subst adds
_SPARE_EACH = 8 * 1024  # for a member's headers, long names included, and its padding


@dataclass(frozen=True)
class Entry:
    """One entry of a tree as the API lists it: type `blob`, `tree` or `commit`; size 0 where none is given."""

    path: str
    mode: str
    sha: str
    size: int
    type: str


def write_verified_archive(
    tarball: Path,
    entries: Sequence[Entry],
    target: BinaryIO | Path,
    workspace: Path,
    *,
    blob: Callable[[str], bytes],
    tree: str = "",
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
) -> TreeArchive:
    """Pack a commit's tree, as `automation.packing.tree.write_tree_archive` does.

    Args:
        tarball: what GitHub sent.
        entries: the tree, listed recursively and not truncated; directories do not count.
        target: a path, or a buffered binary stream that is left open.
        workspace: a directory that has room for all contents while they are packed.
        blob: gives the content of a blob, by its id.
        tree: the id of the commit's tree; proves that the entries are all of it, under their right names.
        max_files: most entries of the tree.
        max_bytes: most bytes of content, uncompressed.

    Raises:
        Misconfigured: see the module.
    """
    items = _listed(entries, tree)
    refuse_too_much("the commit", items, max_files, max_bytes)
    with _Store.filled(tarball, items, _allowance(items), workspace, blob) as store:
        return write_items(items, store, target)


def write_verified_tree(
    tarball: Path,
    entries: Sequence[Entry],
    destination: Path,
    *,
    blob: Callable[[str], bytes],
    below: Collection[str],
    tree: str = "",
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
) -> TreeArchive:
    """Put what lies below some directories of a commit on the disk, with modes 0644 and 0755.

    Args:
        tarball, entries, blob, tree, max_files, max_bytes: see `write_verified_archive`; the caps are for what
            is written.
        destination: a directory that is empty or not there yet; its parent needs room for the contents, twice.
        below: paths of directories, relative to the repository; one that the commit does not have adds nothing.

    Returns:
        What was written, with the notes of an archive of it.

    Raises:
        Misconfigured: see the module; or the disk does not take it.
    """
    everything = _listed(entries, tree)
    chosen = tuple(f"{PurePosixPath(directory)}/" for directory in below)
    items = [item for item in everything if "./" in chosen or f"{item.path}/".startswith(chosen)]
    refuse_too_much("the commit", items, max_files, max_bytes)
    destination.mkdir(exist_ok=True)
    if any(destination.iterdir()):
        raise ValueError(f"{destination} is not empty: a link in it could lead elsewhere")
    with (
        _Store.filled(tarball, items, _allowance(everything), destination.parent, blob) as store,
        TemporaryFile(dir=destination.parent) as packed,
    ):
        # Names and links have been judged once there is an archive of them: it is ours, and it is unpacked.
        written = write_items(items, store, packed)
        packed.seek(0)
        _unpack(packed, destination)
    return written


def _unpack(packed: BinaryIO, destination: Path) -> None:
    try:
        with tarfile.open(fileobj=packed, mode="r:gz") as tar:
            for member in tar:
                path = destination / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                if member.issym():
                    path.symlink_to(member.linkname)
                elif source := tar.extractfile(member):
                    with path.open("xb") as file:
                        shutil.copyfileobj(source, file)
                    path.chmod(member.mode)
    except OSError as error:
        raise Misconfigured(
            f"the commit's files cannot be put on this machine's disk: {error.strerror or error}. {_INSTEAD}"
        ) from None


def _listed(entries: Iterable[Entry], tree: str) -> list[Item]:
    items = [Item(entry.mode, entry.sha, entry.size, entry.path) for entry in entries if entry.type != "tree"]
    for item in items:
        refuse_git_path(item.path)
        if not _is_plausible(item):
            raise _incomplete(f"GitHub lists {item.path[:100]!r}, which is no entry that a tree can have")
    if not tree:
        mangled = [item.path for item in items if "\ufffd" in item.path]
        if mangled:
            raise _incomplete(
                f"the tree has names that are not UTF-8, which GitHub's API cannot list: {named(mangled)}"
            )
    elif _tree_id(items) != tree:
        raise _incomplete(
            f"what GitHub lists is not the whole tree {tree}; are there names in it that are not UTF-8?"
        )
    return items


def _is_plausible(item: Item) -> bool:
    return bool(
        _SHA.fullmatch(item.sha)
        and _MODE.fullmatch(item.mode)
        and item.size >= 0
        and len(item.path) <= _LONGEST_PATH
        and not any("\ud800" <= character <= "\udfff" for character in item.path)
    )


def _tree_id(items: Iterable[Item]) -> str:
    """The id that a tree of these entries has in git.

    Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    inside: dict[str, list[tuple[bytes, str, str]]] = defaultdict(list)
    directories: set[str] = set()
    for item in items:
        directory, _, name = item.path.rpartition("/")
        inside[directory].append((name.encode(), item.mode, item.sha))
        while directory and directory not in directories:
            directories.add(directory)
            directory = directory.rpartition("/")[0]
    for directory in sorted(directories, key=lambda path: path.count("/"), reverse=True):
        above, _, name = directory.rpartition("/")
        inside[above].append((name.encode(), "40000", _object_id(b"tree", _tree_body(inside[directory]))))
    return _object_id(b"tree", _tree_body(inside[""]))


def _tree_body(children: Iterable[tuple[bytes, str, str]]) -> bytes:
    def place(child: tuple[bytes, str, str]) -> bytes:
        name, mode, _ = child
        return name + b"/" if mode == "40000" else name

    ordered = sorted(children, key=place)
    return b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(sha)) for name, mode, sha in ordered)


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False).hexdigest()


def _incomplete(what: str) -> Misconfigured:
    return Misconfigured(f"{what}. {_INSTEAD}", reason=Reason.ARCHIVE_INCOMPLETE)


def _allowance(items: Collection[Item]) -> int:
    return sum(item.size for item in items) + _SPARE_EACH * len(items) + _SPARE


@dataclass
class _Store:
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
    ) -> Iterator["_Store"]:
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
            raise _incomplete(f"GitHub's tarball of the commit cannot be used ({error})") from None

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
            raise _incomplete(
                f"GitHub's tarball lacks {len(lost)} of the commit's files or has them changed (by export-ignore, "
                f"export-subst, line endings or Git LFS), and at most {MAX_FETCHED} with "
                f"{MAX_FETCHED_BYTES} bytes are fetched one by one: {named([item.path for item in lost.values()])}"
            )
        for sha in lost:
            content = blob(sha)
            self._take(len(content), [content], {sha})
        wrong = [item.path for item in items if not self._has(item)]
        if wrong:
            raise _incomplete(f"what GitHub has of the commit's files is not what it lists: {named(wrong)}")


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
