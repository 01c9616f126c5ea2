"""Where a history can be cut so that what is left still answers every question about `base` and `head`.

A shallow commit loses all its parents. Cutting at the merge-base alone is wrong as soon as a branch that
forked earlier was merged: what it forked from would then seem to be new on one side. The part that is kept
here is closed in two ways, and therefore exact: with a commit all its descendants are kept, and a commit
keeps either all its parents or none. Between kept commits no path is lost, so `base..head`, `base...head` and
the merge-base are what they are in the whole repository.

Source of what a shallow commit is: https://git-scm.com/docs/shallow
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cut[Commit]:
    """A part of a history.

    Attributes:
        kept: the commits of the part.
        shallow: those of them whose parents are all left out.
    """

    kept: frozenset[Commit]
    shallow: frozenset[Commit]


def cut[Commit](parents: Mapping[Commit, tuple[Commit, ...]], wanted: Iterable[Commit]) -> Cut[Commit]:
    """The smallest exact part of a history that contains the wanted commits.

    Args:
        parents: every commit that the tips reach, with its parents. A parent that is not itself a key is
            taken to be below everything else; where one comes to be kept, the map was too small.
        wanted: commits that must be kept, the tips among them.
    """
    children: dict[Commit, list[Commit]] = defaultdict(list)
    for commit, above in parents.items():
        for parent in above:
            children[parent].append(commit)
    kept: set[Commit] = set()
    waiting = list(wanted)
    while waiting:
        commit = waiting.pop()
        if commit in kept:
            continue
        kept.add(commit)
        for child in children[commit]:
            waiting.append(child)
            waiting.extend(parents[child])
    shallow = {commit for commit in kept if not kept.issuperset(parents.get(commit, ()))}
    return Cut(frozenset(kept), frozenset(shallow))
