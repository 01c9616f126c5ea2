"""A real git repository on disk, read by running git: GitHub's git side is not imitated.

Nothing is written to it. The user's and the machine's git configuration have no say. What a full SHA names never
changes: it is read once, so that answers take no longer than GitHub's.
"""

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
TIMEOUT = 60
REMEMBERED = 512
FULL_SHA = re.compile(r"[0-9a-f]{40}")
ABBREVIATED_SHA = re.compile(r"[0-9a-f]{4,40}")
# Names that git would read as an expression (`HEAD~1`, `main:file`, `@{-1}`) are no refs to GitHub.
NO_REF = re.compile(r"[\x00-\x20~^:?*\[\\]|\.\.|@\{|^-|^/|/$|//|^$")


class GitFailed(Exception):
    """git said no; its words are in the message."""


@dataclass(frozen=True)
class Signature:
    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class TreeEntry:
    """What a tree has at a path.

    Attributes:
        size: bytes of a blob, None for trees and submodules.
    """

    path: str
    mode: str
    type: str
    sha: str
    size: int | None


@dataclass(frozen=True)
class FileChange:
    """A file that differs between two trees.

    Attributes:
        patch: the hunks, None for a binary file.
    """

    path: str
    previous_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


class Git:
    """Reads one repository, work tree or bare."""

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).resolve()
        self._environment = os.environ | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            self._environment.pop(name, None)
        self.run("rev-parse", "--git-dir")
        # For commands that name objects by full SHAs only.
        self._read_once = functools.lru_cache(REMEMBERED)(self.run)

    def run(self, *arguments: str) -> bytes:
        """What a git command writes.

        Raises:
            GitFailed: it ended with another code than 0.
        """
        ended = subprocess.run(
            [
                "git",
                "-c",
                "safe.directory=*",
                "-c",
                "core.quotePath=false",
                "-C",
                str(self.directory),
                *arguments,
            ],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        if ended.returncode:
            raise GitFailed(
                f"git {' '.join(arguments)} in {self.directory}: {ended.stderr.decode(errors='replace').strip()}"
            )
        return ended.stdout

    def default_branch(self) -> str:
        try:
            return self.run("symbolic-ref", "--short", "HEAD").decode().strip()
        except GitFailed:
            return "main"

    def commit_id(self, revision: str) -> str | None:
        """The commit that a branch, a tag, a full ref or a (short) SHA names, as GitHub looks them up."""
        if NO_REF.search(revision):
            return None
        names = [f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}"]
        if revision.startswith("refs/") or revision == "HEAD":
            names = [revision]
        if ABBREVIATED_SHA.fullmatch(revision):
            names.insert(0, revision)
        if FULL_SHA.fullmatch(revision):
            names = [revision]
        return next((sha for name in names if (sha := self._object_id(f"{name}^{{commit}}"))), None)

    def _object_id(self, expression: str) -> str | None:
        try:
            read = self._read_once if FULL_SHA.match(expression) else self.run
            found = read("rev-parse", "--verify", "--quiet", "--end-of-options", expression)
        except GitFailed:
            return None
        return found.decode().split()[-1]

    def tree_id(self, sha: str) -> str | None:
        """The tree of a commit or of itself."""
        return self._object_id(f"{sha}^{{tree}}") if FULL_SHA.fullmatch(sha) else None

    def commits(self, *revisions: str, limit: int = 250) -> list[Commit]:
        """Commits of a range, newest first."""
        fields = ("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")
        log = self._read_once("log", "-z", f"-{limit}", f"--format={'%x01'.join(fields)}", *revisions, "--")
        return [_commit(record) for record in log.decode(errors="replace").split("\0") if record]

    def commit(self, sha: str) -> Commit:
        return self.commits(sha, limit=1)[0]

    def count(self, *revisions: str) -> int:
        return int(self._read_once("rev-list", "--count", *revisions, "--"))

    def merge_base(self, one: str, other: str) -> str | None:
        try:
            return self._read_once("merge-base", one, other).decode().strip()
        except GitFailed:
            return None

    def tree(self, tree: str, *, recursive: bool) -> list[TreeEntry]:
        """Entries of a tree. Names that are no UTF-8 have U+FFFD in them; what GitHub makes of them is unknown."""
        listing = self._read_once(
            "ls-tree", "-l", "-z", "--full-tree", *(["-r", "-t"] if recursive else []), tree
        )
        return [_entry(record) for record in listing.decode(errors="replace").split("\0") if record]

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """What a commit has at a path."""
        if "\0" in path or {"", ".", ".."} & set(path.split("/")):
            return None
        listing = self._read_once("ls-tree", "-l", "-z", "--full-tree", commit, "--", f":(literal){path}")
        records = [record for record in listing.decode(errors="replace").split("\0") if record]
        return _entry(records[0]) if records else None

    def blob(self, sha: str) -> bytes | None:
        if not FULL_SHA.fullmatch(sha):
            return None
        try:
            return self._read_once("cat-file", "blob", sha)
        except GitFailed:
            return None

    def diff(self, old: str, new: str) -> bytes:
        return self._read_once(
            "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "-M", old, new, "--"
        )

    def patches(self, old: str, new: str) -> bytes:
        """The commits of a range as mails."""
        return self._read_once("format-patch", "--stdout", "--no-color", f"{old}..{new}", "--")

    def changes(self, old: str, new: str) -> list[FileChange]:
        """The files that differ between two trees, in git's order."""
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "-M", "--abbrev=40", "-z")
        raw = self._read_once("diff", *options, "--raw", old, new, "--").decode(errors="replace").split("\0")
        numbers = (
            self._read_once("diff", *options, "--numstat", old, new, "--")
            .decode(errors="replace")
            .split("\0")
        )
        sections = re.split(
            r"^diff --git ", self.diff(old, new).decode(errors="replace"), flags=re.MULTILINE
        )[1:]
        found = []
        for section in sections:
            _, _, _, sha, status = raw.pop(0).split()
            paths = [raw.pop(0) for _ in range(2 if status[0] in "RC" else 1)]
            added, deleted, name = numbers.pop(0).split("\t")
            if not name:
                del numbers[:2]
            hunks = section.find("\n@@ ")
            found.append(
                FileChange(
                    path=paths[-1],
                    previous_path=paths[0] if len(paths) > 1 else None,
                    status=STATUS[status[0]],
                    sha=sha
                    if status != "D"
                    else self._read_once("rev-parse", f"{old}:{paths[0]}").decode().strip(),
                    additions=0 if added == "-" else int(added),
                    deletions=0 if deleted == "-" else int(deleted),
                    patch=None if hunks < 0 else section[hunks + 1 :].removesuffix("\n"),
                )
            )
        return found

    def archive(self, sha: str, prefix: str) -> bytes:
        """A `tar.gz` as GitHub's: made by git, so it honours export-ignore and export-subst."""
        return self._read_once("archive", "--format=tar.gz", f"--prefix={prefix}/", sha)


def _commit(record: str) -> Commit:
    sha, tree, parents, *people, message = record.split("\x01", 9)
    return Commit(
        sha,
        tree,
        tuple(parents.split()),
        Signature(*people[:3]),
        Signature(*people[3:]),
        message.rstrip("\n"),
    )


def _entry(record: str) -> TreeEntry:
    description, path = record.split("\t", 1)
    mode, kind, sha, size = description.split()
    return TreeEntry(path, mode, kind, sha, None if size == "-" else int(size))
