"""A wish that a run be stopped, from a signal handler or another task. Does no I/O."""

import asyncio

from automation.observation import Cause


class StopRequest:
    """Made at most once; whoever conducts the run waits for it.

    Attributes:
        by: who asked, for the reader; the first one counts.
    """

    def __init__(self) -> None:
        self.by = ""
        self.cause = Cause.CANCELLED
        self._asked = asyncio.Event()

    def ask(self, by: str, cause: Cause = Cause.CANCELLED) -> None:
        if not self._asked.is_set():
            self.by, self.cause = by, cause
            self._asked.set()

    async def asked(self) -> None:
        await self._asked.wait()
