"""The fields of a payload, each in the form that we rely on. Pure.

GitHub adds, renames and leaves out fields, and its own examples break its own schemas. So nothing here raises:
what is missing or of another form reads as empty, and whoever needs the field says what that means.

What is read can be stored: whole numbers fit into 64 bits, text has neither NUL nor half a surrogate pair.
"""

import re
from collections.abc import Mapping

MAX_NUMBER = 2**63 - 1
NO_COMMIT = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def at(document: object, *path: str) -> object:
    """What stands there; None where the path leads nowhere."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def text(value: object) -> str:
    """The text, with U+FFFD for what no database takes; empty for anything else."""
    return _UNSTORABLE.sub(_REPLACEMENT, value) if isinstance(value, str) else ""


def number(value: object) -> int:
    """The number of a thing, its id for instance; 0 for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_NUMBER:
        return value
    return 0


def commit(value: object) -> str:
    """The full SHA of a commit; empty for what is none, and for the zeros that stand for no commit."""
    return value if isinstance(value, str) and _SHA.fullmatch(value) and value != NO_COMMIT else ""


def login(value: object) -> str:
    """The name of an account; empty for what is none."""
    return value if isinstance(value, str) and _LOGIN.fullmatch(value) else ""


def repository_name(value: object) -> str:
    """`owner/name`; empty for what is none, as it becomes a part of addresses."""
    return value if isinstance(value, str) and _REPOSITORY.fullmatch(value) else ""


def branch_name(ref: object) -> str:
    """The branch of `refs/heads/...`; empty for other refs."""
    name = text(ref)
    return name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else ""
