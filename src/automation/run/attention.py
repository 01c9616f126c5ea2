"""How closely a run's output is followed: each second while somebody watches, seldom while nobody does."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Attention:
    """The pause between two readings of the output.

    Args:
        watched: seconds while somebody watches.
        unwatched: maps a run's age in seconds to the pause in seconds while nobody watches.
    """

    def __init__(self, watched: float = 1.0, unwatched: Callable[[float], float] = lambda _: 1.0) -> None:
        self._watched, self._unwatched = watched, unwatched
        self._began = time.monotonic()
        self._watchers = 0
        self._drawn = asyncio.Event()

    @property
    def pause(self) -> float:
        return self._watched if self._watchers else self._unwatched(time.monotonic() - self._began)

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
