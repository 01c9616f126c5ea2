"""The ways out of a bot's process: what can happen to a call, wherever it goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Side(StrEnum):
    """Where a call goes."""

    GITHUB = "GitHub"
    SERVER = "the agent-server"


class Fate(StrEnum):
    """What becomes of it, beside that it succeeds."""

    FAILS = "fails"
    """Nothing was done."""
    ANSWER_IS_LOST = "its answer is lost"
    DIES_BEFORE = "the bot dies before it"
    DIES_AFTER = "the bot dies after it"


@dataclass
class Ports:
    """Those of all processes.

    Attributes:
        away: who does not answer.
        is_dead: the process has been killed: no call of its leads anywhere.
        calls: how many there were.
    """

    away: set[Side] = field(default_factory=set)
    is_dead: bool = False
    calls: int = 0
    _fates: dict[Side, list[tuple[int, Fate]]] = field(default_factory=lambda: {side: [] for side in Side})

    def ordain(self, side: Side, after: int, fate: Fate) -> None:
        """After so many more calls, one meets this."""
        self._fates[side].append((after, fate))

    def heal(self) -> None:
        self.away.clear()
        self._fates = {side: [] for side in Side}

    def call[T](self, side: Side, effect: Callable[[], T], trouble: Exception) -> T:
        """The effect's result, unless its fate is another one.

        Raises:
            CancelledError: the process is dead.
        """
        self.check_alive()
        self.calls += 1
        fate = self._next(side)
        if fate is Fate.DIES_BEFORE:
            self.is_dead = True
        self.check_alive()
        if side in self.away or fate is Fate.FAILS:
            raise trouble
        result = effect()
        if fate is Fate.DIES_AFTER:
            self.is_dead = True
        self.check_alive()
        if fate is Fate.ANSWER_IS_LOST:
            raise trouble
        return result

    def check_alive(self) -> None:
        if self.is_dead:
            raise asyncio.CancelledError

    def _next(self, side: Side) -> Fate | None:
        due = [fate for after, fate in self._fates[side] if after <= 0]
        self._fates[side] = [(after - 1, fate) for after, fate in self._fates[side] if after > 0]
        return due[0] if due else None
