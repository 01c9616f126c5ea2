"""One pinned commit, from the checkout where that has it, otherwise from GitHub.

`actions/checkout` fetches one commit, for a pull request that of the merge: what a run is about is usually
not there. Synchronous, as `assemble` is.
"""

import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from automation.errors import Misconfigured
from automation.github.contents import Contents
from automation.github.errors import GitHubRefuses
from automation.packing.git import Sha, is_sha
from automation.packing.gitbundle import GitBundle
from automation.packing.repository import Changes, Repository
from automation.packing.tree import TreeArchive
from automation.room import room_in


@dataclass(frozen=True)
class PinnedSource:
    """The commit `sha`.

    Attributes:
        checkout: None where nothing has been checked out.
        contents: None where there is no token to ask GitHub with.
    """

    sha: str
    checkout: Repository | None
    contents: Contents | None

    def resolve(self, revision: str) -> Sha:
        """Revisions are SHAs here: whether they exist shows where they are read."""
        return Sha(revision)

    def head(self) -> Sha:
        return Sha(self.sha)

    def branch(self) -> str | None:
        return None

    def is_dirty(self) -> bool:
        return False

    def write_tree_archive(self, revision: str, target: Path) -> TreeArchive:
        if self.checkout is not None and self._has(revision):
            return self.checkout.write_tree_archive(revision, target)
        return self._contents(revision).write_tree_archive(revision, target)

    def write_bundle(self, head: str, base: str | None, target: Path) -> GitBundle:
        """History comes from the checkout only: GitHub gives out none without git."""
        if self.checkout is None or not self._has(head) or (base and not self._has(base)):
            raise Misconfigured(
                f"`github.repository: git` needs the history of {head}, which is not in this checkout: check it out "
                "whole (actions/checkout with `fetch-depth: 0`, for a pull request with `ref:` of its head)"
            )
        return self.checkout.write_bundle(head, base, target)

    def write_changes(self, base: str, head: str, target: Path) -> Changes | None:
        if self.checkout is not None and self._has(base) and self._has(head):
            try:
                return self.checkout.write_changes(base, head, target)
            except Misconfigured:
                # Shallow: both commits are there, and where their histories meet is not.
                if self.contents is None:
                    return None
        if self.contents is None:
            return None
        try:
            return self.contents.write_changes(base, head, target)
        except GitHubRefuses:
            return None

    def write_directories(self, reference: str, below: Collection[str], destination: Path) -> None:
        """Put what a branch or commit has below some directories on the disk.

        Raises:
            Misconfigured: it is nowhere to be had.
            GitHubUnavailable: GitHub does not answer.
            NoRoom: there is none where it is put.
        """
        with room_in(destination.parent):
            self._put(reference, below, destination)

    def _put(self, reference: str, below: Collection[str], destination: Path) -> None:
        sha = reference if is_sha(reference) else self._contents(reference).commit(reference)
        if self.checkout is None or not self._has(sha):
            self._contents(sha).write_directories(sha, below, destination)
            return
        archive = destination.with_name(f"{destination.name}.tar.gz")
        self.checkout.write_tree_archive(sha, archive)
        directories = tuple(f"{PurePosixPath(each)}/" for each in below)
        destination.mkdir()
        with tarfile.open(archive) as tar:
            inside = [each for each in tar if "./" in directories or each.name.startswith(directories)]
            tar.extractall(destination, inside, filter="data")

    def _contents(self, revision: str) -> Contents:
        if self.contents is None:
            raise Misconfigured(
                f"the commit {revision} is not in the checkout, and there is no token to fetch it with: "
                "give `github-token`, or check it out"
            )
        return self.contents

    def _has(self, revision: str) -> bool:
        try:
            return self.checkout is not None and bool(self.checkout.resolve(revision))
        except Misconfigured:
            return False
