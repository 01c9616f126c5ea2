"""The tree of one commit as a tar.gz: what git has stored, byte for byte.

It is read from `git ls-tree` and `git cat-file`, so attributes that change an export (`export-ignore`,
`export-subst`, line endings, filters) have no effect. What cannot be carried over is left out or left as it is
and said in a note: submodules, links that lead out of the repository, Git LFS pointers.

Every file of the tree is read and has the size that the tree gives it, or there is no archive: a blob that is
missing is `Misconfigured` with the reason `archive-incomplete`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from automation.errors import Misconfigured
from automation.packing.archive import ArchiveSummary, Member, MemberKind, name_bytes, write_archive
from automation.packing.blobs import Blobs, Item, link_target, missing
from automation.packing.git import Git, Sha
from automation.packing.links import resolve

MAX_FILES = 100_000
MAX_BYTES = 1024 * 1024 * 1024

_CHUNK = 64 * 1024
_NAMED = 10
# Modes of a tree's entries: https://git-scm.com/docs/git-fast-import#Documentation/git-fast-import.txt-filemodify
LINK, SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True)
class TreeArchive:
    """What was written, and sentences for the log about what is not as a full checkout would have it."""

    summary: ArchiveSummary
    notes: tuple[str, ...] = ()


class Contents(Protocol):
    """Where the contents of a tree's blobs come from.

    Attributes:
        pointers: paths that were opened and turned out to be Git LFS pointers.
    """

    pointers: list[str]

    def announce(self, items: Iterable[Item]) -> None:
        """Say what will be opened, in that order."""

    def open(self, item: Item) -> BinaryIO:
        """The content of a blob, to be read to its end before another is opened."""


def write_tree_archive(
    git: Git, sha: Sha, target: BinaryIO | Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES
) -> TreeArchive:
    """Pack the tree of a commit.

    Args:
        git: in the repository.
        sha: a commit that is there.
        target: a path, or a buffered binary stream that is left open.
        max_files: most entries of the tree.
        max_bytes: most bytes of content, uncompressed.

    Raises:
        Misconfigured: a cap is exceeded, a path is none that git would check out, or (`archive-incomplete`) an
            object is missing.
    """
    items = _listing(git, sha, max_files, max_bytes)
    with Blobs.reading(git) as blobs:
        return write_items(items, blobs, target)


def write_items(items: Iterable[Item], contents: Contents, target: BinaryIO | Path) -> TreeArchive:
    """Pack a tree's entries; the same entries give the same archive, wherever their contents come from.

    Raises:
        Misconfigured: a path is no plain relative one, or what `contents` raises.
    """
    members, notes = _members(items, contents)
    summary = write_archive(members, target)
    return TreeArchive(
        summary, (*notes, *_notes("{count} Git LFS pointer(s) are left as they are", contents.pointers))
    )


def refuse_too_much(tree: str, items: Collection[Item], max_files: int, max_bytes: int) -> None:
    """Hold the caps.

    Args:
        tree: what the items are the tree of, for the sentence.
        items: all entries, or as many as are too many.
        max_files: most entries of the tree.
        max_bytes: most bytes of content, uncompressed.

    Raises:
        Misconfigured: there are more; names the largest files.
    """
    if len(items) > max_files:
        raise Misconfigured(
            f"the tree of {tree} has more than {max_files} files, which is the most that is carried to a server: "
            "set `github.repository: none` and let the automation fetch what it needs"
        )
    if sum(item.size for item in items) > max_bytes:
        largest = ", ".join(
            f"{item.path!r} ({item.size} bytes)"
            for item in sorted(items, key=lambda item: item.size, reverse=True)[:3]
        )
        raise Misconfigured(
            f"the tree of {tree} has more than {max_bytes} bytes, which is the most that is carried to a server "
            f"(large files in it: {largest}): set `github.repository: none` and let the automation fetch what it needs"
        )


def refuse_git_path(path: str) -> None:
    """Let nothing pass for a repository's own files.

    Raises:
        Misconfigured: a part of the path is `.git`, in any case.
    """
    if any(part.lower() == ".git" for part in path.split("/")):
        raise Misconfigured(f"the tree contains the path {path!r}, which git itself refuses to check out")


def _listing(git: Git, sha: Sha, max_files: int, max_bytes: int) -> list[Item]:
    items: list[Item] = []
    total = 0
    with git.running("ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", sha) as running:
        for record in _records(running.output):
            items.append(_item(record))
            total += items[-1].size
            if len(items) > max_files or total > max_bytes:
                running.stop()
                break
    refuse_too_much(sha, items, max_files, max_bytes)
    return items


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *complete, rest = (rest + chunk).split(b"\0")
        yield from complete


def _item(record: bytes) -> Item:
    facts, _, path = record.partition(b"\t")
    mode, _, sha, size = facts.decode().split()
    item = Item(mode, sha, int(size) if size.isdecimal() else 0, path.decode("utf-8", "surrogateescape"))
    if size == "BAD":
        raise missing(item)
    refuse_git_path(item.path)
    return item


def _members(items: Iterable[Item], contents: Contents) -> tuple[list[Member], tuple[str, ...]]:
    ordered = sorted(items, key=lambda item: name_bytes(item.path))
    submodules = [item.path for item in ordered if item.mode == SUBMODULE]
    linking = [item for item in ordered if item.mode == LINK]
    contents.announce(linking)
    links = {item.path: _target(contents, item) for item in linking}
    leading_out = [path for path, target in links.items() if not target or resolve(path, links) is None]
    left_out = {*submodules, *leading_out}
    files = [item for item in ordered if item.path not in left_out and item.path not in links]
    contents.announce(files)
    members = [
        Member(item.path, MemberKind.FILE, item.size, item.mode == _EXECUTABLE, partial(contents.open, item))
        for item in files
    ]
    members += [
        Member(path, MemberKind.SYMLINK, target=target)
        for path, target in links.items()
        if path not in left_out
    ]
    return members, (
        *_notes("{count} submodule(s) are left out", submodules),
        *_notes("{count} symbolic link(s) that lead out of the repository are left out", leading_out),
    )


def _target(contents: Contents, item: Item) -> str:
    with contents.open(item) as stream:
        content = stream.read(_CHUNK)
        while stream.read(_CHUNK):
            pass  # far too long for a target, and still to be read to its end
    return link_target(content)


def _notes(sentence: str, paths: list[str]) -> tuple[str, ...]:
    if not paths:
        return ()
    return (f"{sentence.format(count=len(paths))}: {named(paths)}",)


def named(paths: Sequence[str]) -> str:
    """The first few paths, for a sentence, and how many more there are."""
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(repr(path) for path in paths[:_NAMED]) + more
