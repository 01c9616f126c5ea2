"""No room on this machine for what has to be written: told as what it is, neither a defect nor anybody's mistake.

It passes once somebody has made room, so whoever can wait tries again.
"""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from automation.errors import NoRoom
from automation.sentences import one_line

PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""No bytes or no files left, of the disk, a quota or a limit; and a disk that its kernel has made read-only for now."""


@contextmanager
def room_in(directory: Path | None = None) -> Iterator[None]:
    """Whatever is written in the context has room.

    It stands around the files that are written: closing one may be what finds no room.

    Args:
        directory: where it is written; None for the place of temporary files.

    Raises:
        NoRoom: it has none.
    """
    try:
        yield
    except OSError as error:
        if not _is_no_room(error):
            raise
        where = directory or tempfile.tempdir or "the place of temporary files"
        why = one_line(error.strerror or str(error), 200)
        otherwise = "" if directory else ", or let TMPDIR name a directory that has some"
        raise NoRoom(
            f"nothing can be written to {where} on this machine ({why}): make room there{otherwise}"
        ) from None


@contextmanager
def own_directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new directory for files of one's own, removed with the context.

    Args:
        parent: where it is made; None for the place of temporary files.

    Raises:
        NoRoom: it cannot be made now.
    """
    with ExitStack() as stack:
        with room_in(parent):
            made = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
            name = stack.enter_context(made)
        yield Path(name)


def _is_no_room(error: OSError) -> bool:
    # Where `tempfile` finds no directory that takes a file, it says so in this way: without one that is not there.
    has_no_place = error.errno == errno.ENOENT and error.filename is None
    return error.errno in PASSING or has_no_place
