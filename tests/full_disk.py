"""A disk that is full as long as a story wants: a real one, or what a process may write.

A small file system in memory needs the right to mount one; its "no space left" is the kernel's. Where that right is
missing, and beside it, the process may write files of so many bytes and no more (`RLIMIT_FSIZE`): its writes fail, too.
"""

import contextlib
import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

MIB = 1024 * 1024
SMALL = 4096
"""Bytes: less than a page of a database takes with what stands around it."""

SIZE = 64 * MIB
"""Twice of what the bot wants to have before it calls itself ready."""


class Disk(Protocol):
    """Where a database is.

    Attributes:
        directory: for it.
    """

    directory: Path

    def fill(self, pid: int) -> None:
        """From now on that process can write nothing there."""

    def free(self, pid: int) -> None:
        """There is room again."""


class SmallDisk:
    """A file system in memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def fill(self, pid: int) -> None:
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                # The last write is a short one: then there is no byte left.
                file.write(bytes(MIB))

    def free(self, pid: int) -> None:
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.directory / "ballast"


class LimitedWriter:
    """A disk of this machine, on which a process writes only small files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def fill(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL, resource.RLIM_INFINITY))

    def free(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def small_disk(directory: Path) -> Iterator[Disk]:
    """One that is mounted there for as long as the context lasts.

    Raises:
        PermissionError: we may not mount one.
    """
    directory.mkdir()
    # As on GitHub's runners, where everybody may become root.
    as_root = ["sudo", "-n"] if os.geteuid() and shutil.which("sudo") else []
    options = f"size={SIZE},mode=700,uid={os.geteuid()}"
    mounting = [*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        raise PermissionError(errno.EPERM, "no file system may be mounted", str(directory))
    try:
        yield SmallDisk(directory)
    finally:
        # Lazily: a process that was killed may be there for a moment.
        subprocess.run([*as_root, "umount", "--lazy", str(directory)], check=True)


@contextmanager
def small_files_only() -> Iterator[None]:
    """The process that we are in writes small files only, for as long as the context lasts."""
    limited = LimitedWriter(Path())
    limited.fill(os.getpid())
    try:
        yield
    finally:
        limited.free(os.getpid())
