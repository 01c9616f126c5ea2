"""What becomes of a run that could not be driven on: it is left alone for a while, and tried again.

A run whose end GitHub does not take is given up after some time, so that it is not told for ever. One that only a
defect of ours keeps from its end gets an end that says so: no check run stays pending for it.
"""

import logging
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from automation.errors import AutomationError
from bot.bot import Bot
from bot.runs.delays import Delays
from bot.runs.end import end_by_defect
from bot.runs.run import Run, State

DEFECTS: Final = 3
"""How often a run may fail by a defect of ours, with no success between, before its check says so."""
GIVE_UP_AFTER: Final = 14 * 24 * 3600.0
"""Seconds after its end for which GitHub may refuse to be told of it, as while an installation is suspended."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failures:
    """Of one driver's runs. What cannot be written down now is seen again by the next sweep: nothing is raised."""

    bot: Bot
    delays: Delays

    async def expected(self, run: Run, error: AutomationError) -> None:
        """GitHub, the database, a server or room on the disk was not to be had."""
        self.delays.put_off(run.id, getattr(error, "wait", None))
        log.warning("run %s waits: %s", run.id, self.bot.redactor.text(error.sentence))
        await undisturbed(self._give_up_telling(run))

    async def defect(self, run: Run, error: Exception) -> None:
        """Something happened that must not."""
        defects = self.delays.put_off_defective(run.id)
        what = self.bot.redactor.text(f"{type(error).__name__}: {error}")
        self.bot.metrics.defects.labels("drive").inc()
        log.error("run %s: a defect of automation-bot: %s", run.id, what)
        if defects >= DEFECTS:
            await undisturbed(self._tell_defect(run, what))

    async def _give_up_telling(self, run: Run) -> None:
        if run.end is not None and self.bot.clock.now() > run.ended_at + GIVE_UP_AFTER:
            log.error("run %s: GitHub was never told of its end", run.id)
            await self.bot.store.runs.save(replace(run, state=State.ENDED))

    async def _tell_defect(self, run: Run, what: str) -> None:
        """Conclude a run that only a defect keeps from its end; it goes on to be told like any other."""
        if run.end is not None:
            log.error("run %s: nobody could be told of its end", run.id)
            await self.bot.store.runs.save(replace(run, state=State.ENDED))
            return
        end = end_by_defect(what)
        await self.bot.store.runs.save(
            replace(run, end=end, state=State.CONCLUDING, ended_at=self.bot.clock.now())
        )


async def undisturbed(writing: Coroutine[Any, Any, None]) -> None:
    """Write it; what cannot be written now is logged, and seen again by the next sweep."""
    try:
        await writing
    except AutomationError as error:
        log.warning("not written: %s", error.sentence)
