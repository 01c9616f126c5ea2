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

import re
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO

from automation.errors import Misconfigured
from automation.packing.blobs import Item
from automation.packing.content_store import INSTEAD, ContentStore, incomplete
from automation.packing.tree import (
    MAX_BYTES,
    MAX_FILES,
    TreeArchive,
    named,
    refuse_git_path,
    refuse_too_much,
    write_items,
)
from automation.packing.tree_id import tree_id
from automation.room import room_in

_LONGEST_PATH = 4096  # Linux takes no longer one: PATH_MAX
_SHA = re.compile(r"[0-9a-f]{40}")
_MODE = re.compile(r"100[0-7]{3}|120000|160000")
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
    with ContentStore.filled(tarball, items, _allowance(items), workspace, blob) as store:
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
        Misconfigured: see the module; or the disk does not take a name in it.
        NoRoom: the disk does not take it now.
    """
    everything = _listed(entries, tree)
    chosen = tuple(f"{PurePosixPath(directory)}/" for directory in below)
    items = [item for item in everything if "./" in chosen or f"{item.path}/".startswith(chosen)]
    refuse_too_much("the commit", items, max_files, max_bytes)
    destination.mkdir(exist_ok=True)
    if any(destination.iterdir()):
        raise ValueError(f"{destination} is not empty: a link in it could lead elsewhere")
    with (
        ContentStore.filled(tarball, items, _allowance(everything), destination.parent, blob) as store,
        TemporaryFile(dir=destination.parent) as packed,
    ):
        # Names and links have been judged once there is an archive of them: it is ours, and it is unpacked.
        written = write_items(items, store, packed)
        packed.seek(0)
        _unpack(packed, destination)
    return written


def _unpack(packed: BinaryIO, destination: Path) -> None:
    try:
        with room_in(destination), tarfile.open(fileobj=packed, mode="r:gz") as tar:
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
            f"the commit's files cannot be put on this machine's disk: {error.strerror or error}. {INSTEAD}"
        ) from None


def _listed(entries: Iterable[Entry], tree: str) -> list[Item]:
    items = [Item(entry.mode, entry.sha, entry.size, entry.path) for entry in entries if entry.type != "tree"]
    for item in items:
        refuse_git_path(item.path)
        if not _is_plausible(item):
            raise incomplete(f"GitHub lists {item.path[:100]!r}, which is no entry that a tree can have")
    if not tree:
        mangled = [item.path for item in items if "\ufffd" in item.path]
        if mangled:
            raise incomplete(
                f"the tree has names that are not UTF-8, which GitHub's API cannot list: {named(mangled)}"
            )
    elif tree_id(items) != tree:
        raise incomplete(
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


def _allowance(items: Collection[Item]) -> int:
    return sum(item.size for item in items) + _SPARE_EACH * len(items) + _SPARE
