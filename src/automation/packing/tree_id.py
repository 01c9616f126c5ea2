"""The id that git gives a tree, from a listing of all that is below it. Pure.

Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from automation.packing.blobs import Item


def tree_id(items: Iterable[Item]) -> str:
    """The id that a tree of these entries has in git."""
    inside: dict[str, list[tuple[bytes, str, str]]] = defaultdict(list)
    directories: set[str] = set()
    for item in items:
        directory, _, name = item.path.rpartition("/")
        inside[directory].append((name.encode(), item.mode, item.sha))
        while directory and directory not in directories:
            directories.add(directory)
            directory = directory.rpartition("/")[0]
    for directory in sorted(directories, key=lambda path: path.count("/"), reverse=True):
        above, _, name = directory.rpartition("/")
        inside[above].append((name.encode(), "40000", _object_id(b"tree", _tree_body(inside[directory]))))
    return _object_id(b"tree", _tree_body(inside[""]))


def _tree_body(children: Iterable[tuple[bytes, str, str]]) -> bytes:
    def place(child: tuple[bytes, str, str]) -> bytes:
        name, mode, _ = child
        return name + b"/" if mode == "40000" else name

    ordered = sorted(children, key=place)
    return b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(sha)) for name, mode, sha in ordered)


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False).hexdigest()
