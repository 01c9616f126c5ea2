"""How long an unreachable server is borne: the documented tries behind `server-lost`."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from automation.defaults import PATIENCE
from automation.errors import Misconfigured, ServerLost, ServerUnavailable

# Short to the end: a run that was lost with its server is to be known soon after the server is back.
PAUSES = (0.25, 0.5, 1, 2)
# Nobody waits two minutes for a mistyped address.
FIRST_CONTACT = 10.0


class Patience:
    """Repeats what may be repeated until the server answers, or until `seconds` have passed since it last did.

    Pauses grow from 0.25 s to 2 s. One instance serves all requests of a run, so that the server's
    silence is measured once, not for each request.
    """

    def __init__(self, seconds: float = PATIENCE) -> None:
        if not seconds >= 0:
            raise Misconfigured("patience is a number of seconds, 0 or more")
        self.seconds = seconds
        self._answered = time.monotonic()
        self._failures = 0

    async def bear[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The attempt's answer. Only for attempts that may be made twice.

        Raises:
            ServerLost: patience is spent.
        """
        while True:
            try:
                answer = await attempt()
            except ServerLost:
                raise
            except ServerUnavailable as error:
                await self.wait_after(error)
            else:
                self.answered()
                return answer

    def answered(self) -> None:
        self._answered = time.monotonic()
        self._failures = 0

    async def wait_after(self, error: ServerUnavailable) -> None:
        """Pause before the next try, or give up."""
        silent = time.monotonic() - self._answered if self._failures else 0.0
        if self._failures == 0:
            self._answered = time.monotonic()
        self._failures += 1
        if silent >= self.seconds:
            raise ServerLost(
                f"{error.sentence}; {_tries(self._failures)} in {silent:.0f} s. "
                "Check that it runs and can be reached, then run again"
            ) from error
        pause = PAUSES[min(self._failures, len(PAUSES)) - 1]
        await asyncio.sleep(min(pause, max(self.seconds - silent, 0.05)))


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"
