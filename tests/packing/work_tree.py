"""A work tree under construction, with names and contents that may be any bytes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "LC_ALL": "C",
}


@dataclass
class WorkTree:
    """A repository on disk."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Self:
        root.mkdir()
        made = cls(root)
        made.git_bytes("init", "--quiet", "--initial-branch=main", "--template=")
        return made

    def git_bytes(self, *arguments: str, data: bytes | None = None) -> bytes:
        """What git prints."""
        done = subprocess.run(
            ["git", "-C", self.root, "-c", "protocol.file.allow=always", *arguments],
            input=data,
            capture_output=True,
            env=ENVIRONMENT,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def git(self, *arguments: str, data: bytes | None = None) -> str:
        return self.git_bytes(*arguments, data=data).decode(errors="surrogateescape").strip()

    def commit(self, message: str = "work", /, **files: str | bytes) -> str:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
