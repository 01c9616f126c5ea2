"""Everything that a run needs, in one file: a plain tar that the server's machine unpacks after the claim.

One upload instead of many, and nothing of it is readable before the run's private directory holds it.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

Content = bytes | Path


def write_payload(files: Mapping[str, Content], target: IO[bytes]) -> int:
    """Write the files under their names, sources streamed from disk; returns the size in bytes."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            if isinstance(content, Path):
                with content.open("rb") as source:
                    _add(tar, name, content.stat().st_size, source)
            else:
                _add(tar, name, len(content), io.BytesIO(content))
    return target.tell()


def _add(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    tar.addfile(member, source)
