"""The pace of what can wait: edits and comments, at least a second apart for each installation.

GitHub limits writes of content in short time, and answers with a refusal that would hold up what cannot wait.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

APART = 1.0


@dataclass
class Pace:
    """Gives one writer after the other its turn.

    Attributes:
        apart: seconds between two of one installation.
    """

    apart: float = APART
    _lanes: dict[int, "_Lane"] = field(default_factory=dict)

    @asynccontextmanager
    async def turn(self, installation: int) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes `apart` seconds after this one has ended."""
        lane = self._lanes.setdefault(installation, _Lane())
        async with lane.lock:
            await asyncio.sleep(max(lane.next_at - time.monotonic(), 0))
            try:
                yield
            finally:
                lane.next_at = time.monotonic() + self.apart


@dataclass
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_at: float = 0
