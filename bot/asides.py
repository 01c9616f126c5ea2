"""Best-effort background tasks: nobody awaits them, at most 200 run, the rest is dropped."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from automation.errors import AutomationError
from bot.metrics import Metrics

MOST: Final = 200
"""At one time; what comes on top is not done."""

log = logging.getLogger(__name__)


@dataclass
class Asides:
    """All of one bot."""

    metrics: Metrics
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= MOST:
            work.close()
            return
        task = asyncio.create_task(self._undisturbed(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def leave_off(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _undisturbed(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except AutomationError as error:
            log.info("left: %s", error.sentence)
        except Exception:  # the outermost: nobody else would see it
            self.metrics.defects.labels("aside").inc()
            log.exception("a defect of automation-bot")
