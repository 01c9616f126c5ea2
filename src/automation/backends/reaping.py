"""Which sandboxes of an account may be deleted: a table over what is remembered, what stands in them, and the clock. Pure.

Deleted is only what is proved to be ours and to be nobody's any more; everything else is told, and left.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

YOUNG: Final = 600.0
"""Seconds for which a sandbox without a mark may be somebody's who is about to mark it."""


class Standing(StrEnum):
    """What is known of a sandbox."""

    IN_USE = "in use"
    KEPT = "kept"
    ABANDONED = "abandoned"
    ANOTHERS = "another's"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Known:
    """What this installation remembers, as ids of sandboxes.

    Attributes:
        live: of runs whose process is there; kept: that were to stay; left: of runs whose process is gone.
    """

    live: Collection[str] = ()
    kept: Collection[str] = ()
    left: Collection[str] = ()


def standing(
    sandbox_id: str,
    known: Known,
    *,
    mark: str | None,
    is_ours: bool,
    is_live: bool,
    is_kept: bool,
    is_over: bool,
    age: float,
    is_dedicated: bool,
) -> Standing:
    """Where a sandbox stands.

    Args:
        mark: that stands in it; empty for none, None if it could not be looked at.
        is_ours: the mark is of this installation; is_live: and of a run whose process is there; is_kept: it says that
            the sandbox is to stay; is_over: it proves a run of which nothing can be going on any more, whoever's.
        age: seconds.
        is_dedicated: nobody else makes sandboxes in that account.
    """
    if sandbox_id in known.live or is_live:
        return Standing.IN_USE
    if sandbox_id in known.kept or ((is_ours or is_over) and is_kept):
        return Standing.KEPT
    if sandbox_id in known.left or is_ours or is_over:
        return Standing.ABANDONED
    if mark:
        return Standing.ANOTHERS
    if is_dedicated and mark is not None and age > YOUNG:
        return Standing.ABANDONED
    return Standing.UNKNOWN
