"""The history between two commits as a file that needs nothing else: a git bundle without prerequisites.

The history is cut where `automation.packing.history` says that nothing is lost. The bundle is made in a temporary bare
repository that borrows the source's objects and declares the cut in its `shallow` file; the source is only
read. A bundle does not record that it is shallow, therefore its receiver must be told:

    git init checkout && cd checkout
    (one shallow commit per line) > .git/shallow        before the fetch, and only if there are any
    git fetch <bundle> 'refs/heads/*:refs/remotes/bundle/*'
    git checkout --detach refs/remotes/bundle/head

Missing objects are `Misconfigured` with the reason `archive-incomplete`; a target is whole or absent. No room is told
with its place: the repository's is among temporary files, the bundle's need not be.
Sources: https://git-scm.com/docs/git-bundle and https://git-scm.com/docs/shallow
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from automation.errors import Misconfigured
from automation.packing.git import LONG, Git, Sha
from automation.packing.history import Cut, cut
from automation.reasons import Reason
from automation.room import own_directory, room_in


@dataclass(frozen=True)
class GitBundle:
    """What was written.

    Attributes:
        shallow: full names of the commits that the receiver must declare shallow before it fetches.
        size_bytes: size of the bundle file.
    """

    shallow: tuple[str, ...]
    size_bytes: int


def write_git_bundle(git: Git, head: Sha, base: Sha | None, target: Path) -> GitBundle:
    """Write the refs `refs/heads/head` and, where there is a base, `refs/heads/base` with what they need.

    Args:
        git: in the repository, which has both commits.
        head: the commit to work on.
        base: the commit to compare with; None takes the whole history of `head`.
        target: where the bundle goes.

    Raises:
        Misconfigured: git failed; `archive-incomplete` where objects are missing.
        NoRoom: there is none for the bundle, or for the temporary repository.
    """
    shallow = _shallow(git, head, base)
    refs = {"refs/heads/head": head} | ({"refs/heads/base": base} if base else {})
    objects = Path(_absolute(git, "objects"))
    hash_name = git.run("rev-parse", "--show-object-format").line
    with own_directory("automation-git-") as borrowed:
        lender = Git(borrowed, git_dir=borrowed, is_ours=True)
        with room_in():
            lender.run("init", "--quiet", "--bare", "--template=", f"--object-format={hash_name}")
            (borrowed / "objects" / "info").mkdir(parents=True, exist_ok=True)
            (borrowed / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
            if shallow:
                (borrowed / "shallow").write_text("".join(f"{sha}\n" for sha in shallow))
            for name, sha in refs.items():
                lender.run("update-ref", name, sha)
        with room_in(target.parent):
            _create(lender, target, refs)
    return GitBundle(shallow, target.stat().st_size)


def _create(lender: Git, target: Path, refs: Iterable[str]) -> None:
    try:
        lender.run("bundle", "create", "--quiet", str(target.absolute()), *refs, timeout=LONG)
    except Misconfigured as error:
        raise Misconfigured(
            f"the history could not be packed; is the repository a partial clone? ({error.sentence})",
            reason=Reason.ARCHIVE_INCOMPLETE,
        ) from None


def _shallow(git: Git, head: Sha, base: Sha | None) -> tuple[str, ...]:
    already = _shallow_already(git)
    if base is not None:
        part = _part(git, head, base)
        return tuple(sorted(part.shallow | (already & part.kept)))
    if not already:
        return ()
    return tuple(sorted(already.intersection(_graph(git, head))))


def _shallow_already(git: Git) -> frozenset[str]:
    path = Path(_absolute(git, "shallow"))
    return frozenset(path.read_text().split()) if path.exists() else frozenset()


def _absolute(git: Git, name: str) -> str:
    return os.path.join(git.directory, git.run("rev-parse", "--git-path", name).line)  # noqa: PTH118 - may be absolute


def _part(git: Git, head: Sha, base: Sha) -> Cut[str]:
    between = _revisions(git, "--boundary", f"{base}...{head}")
    edge = {line.removeprefix("-") for line in between if line.startswith("-")}
    common = set(git.run("merge-base", "--all", base, head, accept=(0, 1), timeout=LONG).line.split())
    wanted = {line.removeprefix("-") for line in between} | common | {base, head}
    if edge <= common:
        return Cut(frozenset(wanted), frozenset(common))
    return _exact_part(git, head, base, wanted, edge | common)


def _exact_part(git: Git, head: Sha, base: Sha, wanted: set[str], edge: set[str]) -> Cut[str]:
    # What lies below a commit that the whole edge shares is rarely needed, and is most of a long history.
    shared = git.run("merge-base", "--octopus", *sorted(edge), accept=(0, 1), timeout=LONG).line
    if shared:
        near = _graph(git, head, base, f"^{shared}^@")
        part = cut(near, wanted)
        if part.kept <= near.keys():
            return part
    return cut(_graph(git, head, base), wanted)


def _graph(git: Git, *revisions: str) -> dict[str, tuple[str, ...]]:
    lines = (line.split() for line in _revisions(git, "--parents", *revisions))
    return {commit: tuple(parents) for commit, *parents in lines}


def _revisions(git: Git, *arguments: str) -> list[str]:
    return git.run("rev-list", *arguments, "--", timeout=LONG).line.splitlines()
