"""The tree of one commit as a tar.gz: what git has stored, byte for byte.

It is read from `git ls-tree` and `git cat-file`, so attributes that change an export (`export-ignore`,
`export-subst`, line endings, filters) have no effect. What cannot be carried over is left out or left as it is
and said in a note: submodules, links that lead out of the repository, Git LFS pointers.

Every file of the tree is read and has the size that the tree gives it, or there is no archive: a blob that is
missing is `Misconfigured` with the reason `archive-incomplete`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from automation.errors import Misconfigured
from automation.packing.archive import ArchiveSummary, Member, MemberKind, name_bytes, write_archive
from automation.packing.blobs import Blobs, Item, missing
from automation.packing.git import Git, Sha
from automation.packing.links import resolve

MAX_FILES = 100_000
MAX_BYTES = 1024 * 1024 * 1024

_CHUNK = 64 * 1024
_NAMED = 10
# Modes of a tree's entries: https://git-scm.com/docs/git-fast-import#Documentation/git-fast-import.txt-filemodify
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True)
class TreeArchive:
    """What was written, and sentences for the log about what is not as a full checkout would have it."""

    summary: ArchiveSummary
    notes: tuple[str, ...] = ()


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
        members, notes = _members(items, blobs)
        summary = write_archive(members, target)
    return TreeArchive(
        summary, (*notes, *_notes("{count} Git LFS pointer(s) are left as they are", blobs.pointers))
    )


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
    if len(items) > max_files:
        raise Misconfigured(
            f"the tree of {sha} has more than {max_files} files, which is the most that is carried to a server: "
            "set `github.repository: none` and let the automation fetch what it needs"
        )
    if total > max_bytes:
        largest = ", ".join(
            f"{item.path!r} ({item.size} bytes)"
            for item in sorted(items, key=lambda item: item.size, reverse=True)[:3]
        )
        raise Misconfigured(
            f"the tree of {sha} has more than {max_bytes} bytes, which is the most that is carried to a server "
            f"(large files in it: {largest}): set `github.repository: none` and let the automation fetch what it needs"
        )
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
    if any(part.lower() == ".git" for part in item.path.split("/")):
        raise Misconfigured(
            f"the tree contains the path {item.path!r}, which git itself refuses to check out"
        )
    return item


def _members(items: Iterable[Item], blobs: Blobs) -> tuple[list[Member], tuple[str, ...]]:
    ordered = sorted(items, key=lambda item: name_bytes(item.path))
    submodules = [item.path for item in ordered if item.mode == _SUBMODULE]
    linking = [item for item in ordered if item.mode == _LINK]
    blobs.announce(linking)
    links = {item.path: blobs.target(item) for item in linking}
    leading_out = [path for path, target in links.items() if not target or resolve(path, links) is None]
    left_out = {*submodules, *leading_out}
    files = [item for item in ordered if item.path not in left_out and item.path not in links]
    blobs.announce(files)
    members = [
        Member(item.path, MemberKind.FILE, item.size, item.mode == _EXECUTABLE, partial(blobs.open, item))
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


def _notes(sentence: str, paths: list[str]) -> tuple[str, ...]:
    if not paths:
        return ()
    named = ", ".join(repr(path) for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return (f"{sentence.format(count=len(paths))}: {named}{more}",)
