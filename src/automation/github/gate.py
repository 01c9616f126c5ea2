"""When a request to GitHub may go: one of a connection at a time, in lanes where somebody has an eye on them."""

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
        """By how much longer than usual what can wait should, for GitHub's limits to suffice; from 1."""


class OneAtATime:
    """The gate of one connection whose limits nobody has an eye on."""

    is_closed = False
    slowness = 1.0

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, connection: object | None, lane: Lane) -> AsyncIterator[None]:  # noqa: ARG002
        async with self._turn if connection is not None else nullcontext():
            yield

    def hear(self, told: Allowance) -> None:
        """Nothing follows from it: whoever was refused waits by himself."""
