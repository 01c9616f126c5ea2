"""A git checkout on this machine, asked and read, never changed.

What is asked: which commit a revision is, where two histories meet, whether there is uncommitted work. What is
read: the tree of a commit, the history between two, the changes between them. Everything blocks; callers that
must not be blocked use a thread. Failures are `Misconfigured` with what to do, as `automation.packing.git` says.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from automation.errors import Misconfigured
from automation.packing import tree
from automation.packing.git import LONG, Git, Sha, is_sha
from automation.packing.gitbundle import GitBundle, write_git_bundle
from automation.packing.tree import TreeArchive, write_tree_archive

MAX_CHANGES = 50 * 1024 * 1024

_CHUNK = 256 * 1024
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_OWN = frozenset({"local", "worktree"})
_FETCH_DEPTH = "If the checkout is shallow, fetch the whole history (actions/checkout: `fetch-depth: 0`)"


@dataclass(frozen=True)
class Changes:
    """A patch that was written: its bytes, and whether it was cut off there."""

    size_bytes: int
    truncated: bool = False


@dataclass(frozen=True)
class Repository:
    """A checkout, by the top directory of its work tree."""

    root: Path

    @classmethod
    def discover(cls, path: Path) -> Self | None:
        """The repository that a directory lies in, or None where it lies in none.

        Raises:
            Misconfigured: git is absent, or does not trust or cannot read what it found.
        """
        git = Git(path)
        answer = git.run("rev-parse", "--show-toplevel", accept=(0, 128))
        if answer.code == 0:
            return cls(Path(answer.line))
        if "not a git repository" in answer.complaint:
            return None
        raise git.failure("rev-parse", answer.code, answer.complaint)

    @property
    def git(self) -> Git:
        """git, working in this repository."""
        return Git(self.root)

    def resolve(self, revision: str) -> Sha:
        """The commit that a branch, tag, SHA or other revision names.

        Raises:
            Misconfigured: it names none here, or is no revision at all.
        """
        if not revision or revision.startswith("-") or _UNPRINTABLE.search(revision):
            raise Misconfigured(f"{revision!r} is not a revision: expected a branch, a tag or a commit's SHA")
        answer = self.git.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", accept=(0, 1)
        )
        if answer.code or not is_sha(answer.line):
            raise Misconfigured(
                f"the revision {revision!r} names no commit in '{self.root}': check its spelling. {_FETCH_DEPTH}"
            )
        return Sha(answer.line)

    def head(self) -> Sha:
        """The commit that is checked out.

        Raises:
            Misconfigured: there is no commit yet.
        """
        return self.resolve("HEAD")

    def branch(self) -> str | None:
        """The branch that is checked out, or None where HEAD is detached."""
        answer = self.git.run("symbolic-ref", "--quiet", "HEAD", accept=(0, 1))
        return answer.line.removeprefix("refs/heads/") or None

    def merge_base(self, one: str, other: str) -> Sha:
        """The best common ancestor of two revisions; where there are several, the one that git picks.

        Raises:
            Misconfigured: a revision is unknown, or the histories do not meet in what is here.
        """
        answer = self.git.run(
            "merge-base", self.resolve(one), self.resolve(other), accept=(0, 1), timeout=LONG
        )
        if answer.code:
            raise Misconfigured(
                f"{one!r} and {other!r} have no common ancestor in '{self.root}'. {_FETCH_DEPTH}"
            )
        return Sha(answer.line)

    def is_dirty(self) -> bool:
        """Whether there are changes or untracked files that no commit has. Submodules are not entered."""
        answer = Git(self.root, settings=self._without_filters()).run(
            "status",
            "--porcelain",
            "--untracked-files=normal",
            "--ignore-submodules=dirty",
            timeout=LONG,
        )
        return bool(answer.out)

    def _without_filters(self) -> tuple[str, ...]:
        """Settings that switch off the filters which the repository's own configuration would start."""
        answer = self.git.run(
            "config",
            "--show-scope",
            "--name-only",
            "--null",
            "--get-regexp",
            r"^filter\..*\.(clean|process)$",
            accept=(0, 1),
        )
        words = answer.line.split("\0")
        local = (name for scope, name in zip(words[::2], words[1::2], strict=False) if scope in _OWN)
        return tuple(f"{name}=" for name in local)

    def write_tree_archive(
        self,
        revision: str,
        target: BinaryIO | Path,
        *,
        max_files: int = tree.MAX_FILES,
        max_bytes: int = tree.MAX_BYTES,
    ) -> TreeArchive:
        """Pack the tree of a commit; see `automation.packing.tree.write_tree_archive`."""
        sha = self.resolve(revision)
        return write_tree_archive(self.git, sha, target, max_files=max_files, max_bytes=max_bytes)

    def write_bundle(self, head: str, base: str | None, target: Path) -> GitBundle:
        """Pack the history of `head`, or that between `base` and `head`; see `automation.packing.gitbundle`."""
        return write_git_bundle(self.git, self.resolve(head), self.resolve(base) if base else None, target)

    def write_changes(self, base: str, head: str, target: Path, *, max_bytes: int = MAX_CHANGES) -> Changes:
        """Write `git diff base...head` as a patch that `git apply` takes, whatever the user's settings are.

        Args:
            base: revision to compare with; what counts is where its history meets that of `head`.
            head: revision with the changes.
            target: where the patch goes.
            max_bytes: most bytes of the patch; it ends there, and the answer says so.

        Raises:
            Misconfigured: as `merge_base`.
        """
        written = 0
        start = self.merge_base(base, head)
        arguments = ("-M", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short")
        with (
            target.open("wb") as patch,
            self.git.running("diff-tree", "-p", *arguments, start, self.resolve(head), "--") as running,
        ):
            while chunk := running.output.read(_CHUNK):
                patch.write(chunk[: max_bytes - written])
                written += len(chunk)
                if written > max_bytes:
                    running.stop()
                    return Changes(max_bytes, truncated=True)
        return Changes(written)
