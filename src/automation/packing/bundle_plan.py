"""What goes into an automation's bundle, with which mode, and what is refused: plain data in, plain data out.

The bundle is `tarball/**` where that folder exists (OpenHands' git sync writes it), otherwise every file of
the directory except `automation.yaml` and `.automationignore`. What the patterns of `.automationignore` match,
relative to the bundle's root, stays out; so do `.git`, `__pycache__` and `.DS_Store`, always.

Whatever would not arrive as it is (links that lead out, special files, odd names) is refused with
`Misconfigured`: a bundle is complete, or there is none.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from automation.errors import Misconfigured
from automation.packing.archive import Member, MemberKind
from automation.packing.ignore import Ignore
from automation.packing.links import resolve

MAX_FILES = 10_000
MAX_BYTES = 100 * 1024 * 1024

FOLDER = "tarball"
IGNORE_FILE = ".automationignore"
_NOT_CODE = frozenset({"automation.yaml", IGNORE_FILE})


class EntryKind(StrEnum):
    """What stands at a path; `special` is a pipe, socket or device."""

    FILE = "file"
    SYMLINK = "symlink"
    SPECIAL = "special"


@dataclass(frozen=True)
class Entry:
    """Something found in an automation's directory, its path relative to it.

    Attributes:
        executable: its owner may execute it.
        open: gives a file's content; may raise `Misconfigured`.
        target: where a link points.
    """

    path: str
    kind: EntryKind = EntryKind.FILE
    size: int = 0
    executable: bool = False
    open: Callable[[], BinaryIO] = Member.open
    target: str = ""


def plan_bundle(
    entries: Iterable[Entry],
    *,
    executables: Sequence[str] | None = None,
    ignore: Ignore | None = None,
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
) -> tuple[Member, ...]:
    """Decide what goes into a bundle.

    Args:
        entries: everything in the automation's directory.
        executables: the `tarball_executables` of `automation.yaml`, relative to `tarball/`: exactly these are
            executable. None, or no `tarball/`: those that are so on disk, and every `*.sh`.
        ignore: the parsed `.automationignore`.
        max_files: most members.
        max_bytes: most bytes of content, uncompressed.

    Raises:
        Misconfigured: something cannot be packed, a cap is exceeded, or nothing is left.
    """
    everything = tuple(entries)
    packaged = any(entry.path.startswith(f"{FOLDER}/") for entry in everything)
    ignore = ignore or Ignore()
    chosen = {
        name: entry for name, entry in _named(everything, packaged=packaged) if not ignore.excludes(name)
    }
    if not chosen:
        raise Misconfigured(
            "the bundle would be empty: put the automation's code beside automation.yaml or into tarball/, "
            f"and see that {IGNORE_FILE} does not match all of it"
        )
    for name, entry in chosen.items():
        _refuse_odd(name, entry)
    _refuse_links(chosen)
    _refuse_too_much(chosen, max_files, max_bytes)
    only = frozenset(executables) if packaged and executables is not None else None
    return tuple(_member(name, entry, only) for name, entry in chosen.items())


def _named(entries: Iterable[Entry], *, packaged: bool) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        if entry.path == FOLDER and entry.kind is EntryKind.SYMLINK:
            raise Misconfigured("tarball is a symbolic link: expected a folder with the automation's code")
        if packaged and entry.path.startswith(f"{FOLDER}/"):
            yield entry.path.removeprefix(f"{FOLDER}/"), entry
        elif not packaged and entry.path not in _NOT_CODE:
            yield entry.path, entry


def _member(name: str, entry: Entry, only: frozenset[str] | None) -> Member:
    if entry.kind is EntryKind.SYMLINK:
        return Member(name, MemberKind.SYMLINK, target=entry.target)
    executable = name in only if only is not None else entry.executable or name.endswith(".sh")
    return Member(name, MemberKind.FILE, entry.size, executable, entry.open)


def _refuse_odd(name: str, entry: Entry) -> None:
    if entry.kind is EntryKind.SPECIAL:
        raise Misconfigured(
            f"{entry.path!r} is a pipe, socket or device and cannot be packed: remove it or name it in {IGNORE_FILE}"
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Misconfigured(f"the file name {name!r} is not valid UTF-8: rename the file") from None
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise Misconfigured(f"the file name {name!r} contains a control character: rename the file")


def _refuse_links(chosen: dict[str, Entry]) -> None:
    links = {name: entry.target for name, entry in chosen.items() if entry.kind is EntryKind.SYMLINK}
    if not links:
        return
    paths = {""} | {name[:end] for name in chosen for end in (*_slashes(name), len(name))}
    for name, target in links.items():
        found = resolve(name, links)
        if found is None:
            wrong = "is absolute or leads out of the bundle"
        elif found not in paths:
            wrong = "leads to nothing in the bundle"
        else:
            continue
        raise Misconfigured(
            f"the symbolic link {name!r} -> {target!r} {wrong}: "
            "point it at a file of the bundle by a relative path, or replace it by the file"
        )


def _slashes(name: str) -> Iterator[int]:
    return (index for index, character in enumerate(name) if character == "/")


def _refuse_too_much(chosen: dict[str, Entry], max_files: int, max_bytes: int) -> None:
    if len(chosen) > max_files:
        raise Misconfigured(
            f"the bundle would have {len(chosen)} files; at most {max_files} are allowed: "
            f"name what the automation does not need in {IGNORE_FILE}"
        )
    total = sum(entry.size for entry in chosen.values())
    if total > max_bytes:
        largest = sorted(chosen.items(), key=lambda item: item[1].size, reverse=True)[:3]
        listed = ", ".join(f"{name!r} ({entry.size} bytes)" for name, entry in largest)
        raise Misconfigured(
            f"the bundle would have {total} bytes before compression; at most {max_bytes} are allowed. "
            f"Largest: {listed}. Name what the automation does not need in {IGNORE_FILE}"
        )
