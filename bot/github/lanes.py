"""The gate of one installation: requests go as its budget lets them, the most urgent first.

A connection has one request at a time. What is cosmetic goes one after the other and a second apart, whatever its
connection: GitHub limits writes of content in short time, and answers with a refusal that would hold up everybody.
Whoever would have to wait long is told so at once, and comes again.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import asyncio
import itertools
import math
import time
from bisect import insort
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from automation.github.allowance import Allowance
from automation.github.errors import GitHubNotAsked
from automation.github.lane import Lane
from bot.github.budget import Budget

APART: Final = 1.0
"""Seconds between two requests that are cosmetic."""
BORNE: Final[Mapping[Lane, float]] = {
    Lane.END: 120.0,
    Lane.START: 120.0,
    Lane.COSMETIC: 10.0,
    Lane.WATCH: 10.0,
}
"""Seconds that a request waits at the gate for GitHub's limits."""


@dataclass(order=True)
class _Waiting:
    urgency: int
    number: int
    lane: Lane = field(compare=False)
    connection: object | None = field(compare=False)
    admitted: "asyncio.Future[None]" = field(compare=False)


@dataclass(eq=False)
class Lanes:
    """The gate.

    Attributes:
        sends: called with the lane of each request that goes.
        apart: seconds between two requests that are cosmetic.
    """

    sends: Callable[[Lane], None]
    apart: float = APART
    budget: Budget = field(default_factory=Budget)
    _waiting: list[_Waiting] = field(default_factory=list)
    _going: list[_Waiting] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _cosmetic_at: float = -math.inf
    _timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, connection: object | None, lane: Lane) -> AsyncIterator[None]:
        """See `Gate`."""
        admitted = asyncio.get_running_loop().create_future()
        mine = _Waiting(lane.urgency, next(self._numbers), lane, connection, admitted)
        insort(self._waiting, mine)
        self._look()
        try:
            await admitted
            yield
        finally:
            self._leave(mine)

    def hear(self, told: Allowance) -> None:
        """See `Gate`."""
        self.budget = self.budget.after(told, time.monotonic())
        self._look()

    @property
    def is_closed(self) -> bool:
        return self.budget.is_closed(time.monotonic())

    @property
    def slowness(self) -> float:
        return self.budget.slowness(time.monotonic())

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._going

    def _leave(self, mine: _Waiting) -> None:
        if mine in self._waiting:
            self._waiting.remove(mine)
        if mine in self._going:
            self._going.remove(mine)
            if mine.lane is Lane.COSMETIC:
                self._cosmetic_at = time.monotonic() + self.apart
            self._look()

    def _look(self) -> None:
        """Let go whoever can, in order, and look again when the next one can."""
        if self._timer:
            self._timer.cancel()
        now, soonest = time.monotonic(), math.inf
        for each in self._waiting.copy():
            wait = self.budget.wait(each.lane, now)
            if wait > BORNE[each.lane]:
                self._send_away(each, wait)
                continue
            if each.lane is Lane.COSMETIC:
                wait = max(wait, self._cosmetic_at - now)
            if wait > 0:
                soonest = min(soonest, wait)
            elif not self._is_held_up(each):
                self._let_go(each)
        if soonest < math.inf:
            self._timer = asyncio.get_running_loop().call_later(soonest, self._look)

    def _is_held_up(self, one: _Waiting) -> bool:
        """Whether a request that is under way has to end first."""
        return any(
            (one.connection is not None and each.connection is one.connection)
            or (one.lane is Lane.COSMETIC and each.lane is Lane.COSMETIC)
            for each in self._going
        )

    def _let_go(self, one: _Waiting) -> None:
        if one.admitted.done():
            # Its task has been cancelled, and has not come round to leaving.
            return
        self._waiting.remove(one)
        self._going.append(one)
        one.admitted.set_result(None)
        self.sends(one.lane)

    def _send_away(self, one: _Waiting, wait: float) -> None:
        self._waiting.remove(one)
        if not one.admitted.done():
            sentence = f"GitHub is not asked now: its limit leaves room for this in {math.ceil(wait)} s"
            one.admitted.set_exception(GitHubNotAsked(sentence, wait=wait))
