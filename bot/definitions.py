"""The automations that a repository has at a commit, fetched once and kept on disk while this process lives.

Commits do not change, so nothing here grows old; what has not been used for long is removed.
"""

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from automation.catalogue import DEFAULT_PLACES
from automation.github.contents import Contents
from automation.room import room_in

MOST = 200


@dataclass
class _Kept:
    root: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_there: bool = False
    users: int = 0


@dataclass
class Definitions:
    """The automations of commits, each as a directory like the repository's root."""

    workspace: Path
    _kept: OrderedDict[tuple[str, str], _Kept] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def at(self, contents: Contents, sha: str) -> AsyncIterator[Path]:
        """A directory with all that the commit has below the places of automations; read only, for the context.

        Raises:
            Misconfigured: too large, or not to be had as it is listed.
            GitHubUnavailable: GitHub does not give it.
            NoRoom: the workspace has none for it now.
        """
        key = (contents.github.repository.casefold(), sha)
        kept = self._kept.setdefault(key, _Kept(self.workspace / uuid4().hex))
        self._kept.move_to_end(key)
        kept.users += 1
        try:
            async with kept.lock:
                if not kept.is_there:
                    with room_in(self.workspace):
                        await self._fetch(contents, sha, kept.root)
                    kept.is_there = True
            yield kept.root
        finally:
            kept.users -= 1
            await self._forget_some()

    async def _fetch(self, contents: Contents, sha: str, root: Path) -> None:
        await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
        workspace = root.with_name(f"{root.name}.fetch")
        workspace.mkdir(exist_ok=True)
        try:
            fetched = workspace / "root"
            await asyncio.to_thread(contents.write_directories, sha, DEFAULT_PLACES, fetched)
            fetched.rename(root)
        finally:
            await asyncio.to_thread(shutil.rmtree, workspace, ignore_errors=True)

    async def _forget_some(self) -> None:
        unused = [key for key, kept in self._kept.items() if not kept.users]
        # All at once: others come and go while files are removed.
        old = [self._kept.pop(key).root for key in unused[: max(len(self._kept) - MOST, 0)]]
        for root in old:
            await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
