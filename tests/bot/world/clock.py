"""Time that passes only when the story says so: for the event loop, and for every module that asks what time it is."""

import asyncio
import selectors
import time as real
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from automation.github import allowance, client
from automation.github import clock as github_clock
from automation.run import attention, conduct, follow, patience, stop
from bot import clock as bot_clock
from bot import deeds, replicas
from bot.github import installations, lanes
from bot.runs import afar, check, delays, driver, live, orphans
from tests.fakes.github import clock as of_github

MODULES: tuple[ModuleType, ...] = (
    *(allowance, client, github_clock),
    *(attention, conduct, follow, patience, stop),
    *(deeds, installations, lanes, replicas),
    *(afar, check, delays, driver, live, orphans),
    of_github,
)
BEGIN = 1_796_000_000.0
BLINK = 0.0005
"""Real seconds that the loop waits for threads."""


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = BEGIN

    def time(self) -> float:
        return self.now

    monotonic = time

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(patch.object(bot_clock, "uptime", self.time))
            for module in MODULES:
                stack.enter_context(patch.object(module, "time", self))
            yield


class _Impatient(selectors.DefaultSelector):
    """Never waits for a timer: time does not pass by waiting."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(BLINK if timeout is None else min(timeout, BLINK))


class Loop(asyncio.SelectorEventLoop):
    """An event loop by this clock, which knows what goes on in threads.

    Attributes:
        threads: calls that are under way in other threads.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Impatient())
        self.clock = clock
        self.threads = 0

    def time(self) -> float:
        return self.clock.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._is_back)
        return future

    def _is_back(self, _: object) -> None:
        self.threads -= 1


def wait_for_threads() -> None:
    """Let other threads have the processor for a moment."""
    real.sleep(BLINK)
