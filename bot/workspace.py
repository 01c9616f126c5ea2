"""The bot's directory for what is packed and unpacked: private, and gone with the process, even with one that was killed.

A process that is killed leaves its directory behind. Its lock on it ends with it, so whoever comes next knows by that
what nobody needs any more.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from automation.room import own_directory, room_in

PREFIX: Final = "automation-bot-"
YOUNG: Final = 60.0
"""Seconds: a directory may be that old before it has its lock."""


@contextmanager
def workspace(parent: Path | None = None) -> Iterator[Path]:
    """A directory of this process, removed with the context; before, those of processes that are gone.

    Args:
        parent: where it is made; None for the place of temporary files.

    Raises:
        NoRoom: it cannot be made now.
    """
    with room_in():
        parent = parent or Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    with own_directory(PREFIX, parent) as directory, _opened(directory) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield directory


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{PREFIX}*"):
        # What cannot be looked at is not ours, or is gone already.
        with suppress(OSError):
            _remove_if_abandoned(directory)


def _remove_if_abandoned(directory: Path) -> None:
    with _opened(directory) as descriptor:
        facts = os.fstat(descriptor)
        if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < YOUNG:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
