"""Decides when a request to GitHub may be sent: one per connection, by priority where limits are tracked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Protocol

from automation.github.allowance import Allowance
from automation.github.lane import Lane


class Gate(Protocol):
    """Lets requests through; used in one event loop."""

    def turn(self, connection: object | None, lane: Lane) -> AbstractAsyncContextManager[None]:
        """Wait for the connection to be free, and for GitHub to want a request; the context is the request.

        Args:
            connection: None for one of its own, which is for this request only.

        Raises:
            GitHubNotAsked: that is too far away.
        """

    def hear(self, told: Allowance) -> None:
        """GitHub has answered a request."""

    @property
    def is_closed(self) -> bool:
        """Whether it keeps back what comes, because GitHub has said for how long it wants nothing."""

    @property
    def slowness(self) -> float:
        """Factor, 1 or more, by which deferrable requests stretch their pauses so that the hour's limit suffices."""


class OneAtATime:
    """A gate that only serialises; it tracks no rate limit."""

    is_closed = False
    slowness = 1.0

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, connection: object | None, lane: Lane) -> AsyncIterator[None]:  # noqa: ARG002
        async with self._turn if connection is not None else nullcontext():
            yield

    def hear(self, told: Allowance) -> None:
        """Ignored: a refused caller waits before its own retry."""
