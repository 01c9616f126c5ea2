"""How closely a run's output is followed: each second while somebody watches, seldom while nobody does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Attention:
    """The pause between two readings of the output.

    Args:
        watched, unwatched: seconds.
    """

    def __init__(self, watched: float = 1.0, unwatched: float = 1.0) -> None:
        self._pauses = (unwatched, watched)
        self._watchers = 0
        self._drawn = asyncio.Event()

    @property
    def pause(self) -> float:
        return self._pauses[self._watchers > 0]

    @property
    def drawn(self) -> asyncio.Event:
        """Set by whoever begins to watch: there is no need to wait any longer."""
        return self._drawn

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Somebody watches for as long as the context lasts."""
        self._watchers += 1
        self._drawn.set()
        try:
            yield
        finally:
            self._watchers -= 1
