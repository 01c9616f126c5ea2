"""Whether the database can be written, has room, and credentials are for this user only. Looks; changes nothing."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.disk import LEAST_FREE, MIB, free_on
from bot.examination.finding import Finding, fine, note, wrong


def database_findings(path: Path) -> Iterator[Finding]:
    """The database's file, or the place where it is going to be."""
    directory = path.parent
    if not directory.is_dir():
        yield wrong(
            "database", f"its directory {directory} is not there", "make it, or put BOT_DATABASE_URL right"
        )
        return
    if not os.access(directory, os.W_OK | os.X_OK):
        yield wrong(
            "database", f"this user cannot write to {directory}", "give it to the user that the bot runs as"
        )
        return
    if path.exists() and not (path.is_file() and os.access(path, os.R_OK | os.W_OK)):
        yield wrong("database", f"this user cannot write {path}", "give it to the user that the bot runs as")
        return
    yield fine("database", f"{path} {'can be written' if path.exists() else 'is made at the first start'}")
    try:
        free = free_on(directory)
    except OSError as error:
        yield wrong("disk", f"the free space of {directory} cannot be told ({error.strerror})")
        return
    said = f"{free // MIB} MiB are free for the database"
    yield (
        fine("disk", said)
        if free >= LEAST_FREE
        else wrong("disk", said, f"expected at least {LEAST_FREE // MIB}")
    )


def private_file_findings(paths: Iterable[Path]) -> Iterator[Finding]:
    """Files with credentials that others on this machine can read."""
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield note("credentials", f"others on this machine may read {path}", f"chmod 600 {path}")
