"""GitHub's own descriptions and schemas, which npm carries: fetched when tests run, kept outside git.

They are third-party content and never committed. The digest of each archive is pinned. Two processes may fetch
at once: each fetches into a directory of its own and moves the archive into place.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FETCH_WITHIN = 180
ROOT = Path(__file__).parents[3]


class DescriptionMissing(Exception):
    """A package cannot be had; the message says what to do."""


def cache_directory() -> Path:
    """Where they are kept: `$OPENAPI_CACHE`, or `.cache/openapi` in the repository."""
    return Path(os.environ.get("OPENAPI_CACHE") or ROOT / ".cache" / "openapi")


@dataclass(frozen=True)
class Package:
    """An archive of npm.

    Attributes:
        sha512: of the archive, in base64, as npm writes it.
        content: what it is, for a sentence.
    """

    name: str
    version: str
    sha512: str
    content: str

    @property
    def archive_name(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    def json(self, member: str) -> Any:
        """One file of it.

        Raises:
            DescriptionMissing: it is not in the cache and cannot be fetched.
        """
        with tarfile.open(self.archive()) as tar:
            content = tar.extractfile(member)
            assert content is not None
            return json.load(content)

    def archive(self) -> Path:
        """The archive in the cache, fetched if need be.

        Raises:
            DescriptionMissing: it is not there and cannot be fetched.
        """
        cache = cache_directory()
        archive = cache / self.archive_name
        if archive.exists() and self._is_right(archive):
            return archive
        npm = shutil.which("npm")
        if npm is None:
            raise DescriptionMissing(
                f"{self.content} is not in {cache} and npm, which fetches it, is not on PATH: install Node.js "
                f"with npm, or run `npm pack {self.name}@{self.version}` elsewhere and copy {self.archive_name} "
                "to that place"
            )
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            self._fetch(npm, Path(scratch)).replace(archive)
        return archive

    def _fetch(self, npm: str, scratch: Path) -> Path:
        command = [npm, "pack", f"{self.name}@{self.version}", "--silent", "--ignore-scripts"]
        try:
            subprocess.run(
                command,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=FETCH_WITHIN,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
            words = str(failed.stderr or failed)[-500:].strip()
            raise DescriptionMissing(
                f"`npm pack {self.name}@{self.version}` failed, so {self.content} is missing: {words}"
            ) from None
        fetched = scratch / self.archive_name
        if not self._is_right(fetched):
            raise DescriptionMissing(
                f"what npm fetched as {self.archive_name} is not the archive that is pinned here"
            )
        return fetched

    def _is_right(self, archive: Path) -> bool:
        with archive.open("rb") as content:
            digest = base64.b64encode(hashlib.file_digest(content, "sha512").digest()).decode()
        return digest == self.sha512
