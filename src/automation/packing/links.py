"""Where a symbolic link leads within a set of paths, followed as a file system would follow it.

Looking at the text alone is not enough: with `a/up -> ..`, the innocent `x -> a/up/..` leads out. A link that
leads out, is absolute or goes round in a circle has no answer; nothing is ever read from a disk.
"""

from collections.abc import Mapping

_MAX_HOPS = 40  # Linux gives up here too: https://man7.org/linux/man-pages/man7/path_resolution.7.html


def resolve(name: str, links: Mapping[str, str]) -> str | None:
    """The path that `name` stands for after every link on the way has been followed.

    Args:
        name: a relative path, itself usually one of `links`.
        links: path -> target of every symbolic link in the tree.

    Returns:
        A relative path ("" is the root of the tree; it need not exist), or None where the way leads out of
        the tree, starts at `/`, or does not end.
    """
    ahead = list(reversed(name.split("/")))
    here: list[str] = []
    hops = 0
    while ahead:
        part = ahead.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not here:
                return None
            here.pop()
            continue
        here.append(part)
        target = links.get("/".join(here))
        if target is None:
            continue
        hops += 1
        if target.startswith("/") or hops > _MAX_HOPS:
            return None
        here.pop()
        ahead.extend(reversed(target.split("/")))
    return "/".join(here)
