"""An automation's directory, packed: the thin edge between the disk and the plan of a bundle.

Nothing is followed and nothing is waited for: links are carried as links, and a file that has vanished, has
become something else, cannot be read or changes its size meanwhile is refused with `Misconfigured`. So is one
that OpenHands' git sync has encrypted, because the automation would run without its code.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from automation.errors import Misconfigured
from automation.packing.archive import ArchiveSummary, write_archive
from automation.packing.bundle_plan import (
    FOLDER,
    IGNORE_FILE,
    MAX_BYTES,
    MAX_FILES,
    Entry,
    EntryKind,
    plan_bundle,
)
from automation.packing.ignore import Ignore

# Version byte 0x80 and the leading zeros of the time, in base64: https://github.com/fernet/spec
_FERNET = b"gAAAAA"


def write_bundle(
    directory: Path,
    target: BinaryIO | Path,
    *,
    executables: Sequence[str] | None = None,
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
) -> ArchiveSummary:
    """Pack the automation in `directory` into `target`; the same files give the same digest.

    Args:
        directory: the one that holds `automation.yaml`.
        target: a path, or a buffered binary stream that is left open.
        executables: see `plan_bundle`.
        max_files: see `plan_bundle`.
        max_bytes: see `plan_bundle`.

    Raises:
        Misconfigured: as `plan_bundle`, or a file cannot be read, changes, or is encrypted.
    """
    ignore = read_ignore(directory)
    members = plan_bundle(
        scan(directory, ignore),
        executables=executables,
        ignore=ignore,
        max_files=max_files,
        max_bytes=max_bytes,
    )
    return write_archive(members, target)


def read_ignore(directory: Path) -> Ignore:
    """The directory's `.automationignore`, parsed; one without rules where there is no such file."""
    if not os.path.lexists(directory / IGNORE_FILE):
        return Ignore()
    with _opened(directory / IGNORE_FILE, IGNORE_FILE) as stream:
        content = stream.read()
    try:
        return Ignore.parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Misconfigured(f"{IGNORE_FILE} is not UTF-8 text: save it as UTF-8") from None


def scan(directory: Path, ignore: Ignore | None = None) -> Iterator[Entry]:
    """What stands in an automation's directory, links not followed.

    Only `tarball/` is walked where it exists; directories that `ignore` excludes are not entered.

    Raises:
        Misconfigured: a directory cannot be read.
    """
    folder = directory / FOLDER
    packaged = folder.is_dir() and not folder.is_symlink()
    prefix = f"{FOLDER}/" if packaged else ""
    ignore = ignore or Ignore()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        for found in _listed(directory / prefix / inside, prefix + inside):
            name = inside + found.name
            if not found.is_dir(follow_symlinks=False):
                yield _entry(found, prefix + name)
            elif not ignore.excludes(name, is_directory=True):
                waiting.append(f"{name}/")


def _listed(directory: Path, shown: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as found:
            return list(found)
    except OSError as error:
        raise Misconfigured(f"the directory {shown or '.'!r} cannot be read: {error.strerror}") from None


def _entry(found: "os.DirEntry[str]", path: str) -> Entry:
    try:
        status = found.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return Entry(path, EntryKind.SYMLINK, target=str(Path(found.path).readlink()))
    except OSError as error:
        raise Misconfigured(f"{path!r} cannot be read: {error.strerror}; it must stay as it is") from None
    if not stat.S_ISREG(status.st_mode):
        return Entry(path, EntryKind.SPECIAL)
    opened = partial(_opened, Path(found.path), path)
    return Entry(path, EntryKind.FILE, status.st_size, bool(status.st_mode & stat.S_IXUSR), opened)


def _opened(path: Path, shown: str) -> BinaryIO:
    # A pipe or a link may have taken the file's place since it was looked at: neither is waited for or followed.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        raise Misconfigured(
            f"the file {shown!r} cannot be read: {error.strerror}; it must stay as it is while it is packed"
        ) from None
    wrong = _wrong_with(stream, shown)
    if wrong:
        stream.close()
        raise Misconfigured(wrong)
    return stream


def _wrong_with(stream: BufferedReader, shown: str) -> str | None:
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return f"{shown!r} is no longer a regular file: it must stay as it is while it is packed"
    if stream.peek(len(_FERNET)).startswith(_FERNET):
        return (
            f"the file {shown!r} is encrypted by OpenHands' git sync: commit it in plain text, or export the "
            "automation without AUTOMATION_GIT_SYNC_ENCRYPTION_KEY"
        )
    return None
