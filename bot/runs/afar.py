"""Relays live output, through the database, to replicas where somebody watches.

For as long as somebody there says so, the output is read as closely as for a watcher here, and kept each second.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from automation.errors import AutomationError
from bot.log_context import about_run
from bot.runs.live import LiveRun
from bot.store.store import Store

WATCHED_FOR: Final = 5.0
"""Seconds after which a watcher who says nothing more is gone."""
KEPT_EVERY: Final = 1.0

log = logging.getLogger(__name__)


@dataclass
class Afar:
    """Keeps them."""

    store: Store
    _until: dict[UUID, float] = field(default_factory=dict)
    _keeping: set["asyncio.Task[None]"] = field(default_factory=set)

    def watch(self, live: LiveRun) -> None:
        """Somebody watches this run elsewhere, still."""
        run_id = live.run.id
        is_kept = run_id in self._until
        self._until[run_id] = time.monotonic() + WATCHED_FOR
        if not is_kept:
            with about_run(live.run):
                task = asyncio.create_task(self._keep(live), name=f"output of {run_id}")
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def _keep(self, live: LiveRun) -> None:
        run_id, kept = live.run.id, -1
        try:
            with live.attention.watching():
                while time.monotonic() < self._until[run_id] and not live.is_closed:
                    if live.excerpt.total != kept:
                        kept = live.excerpt.total
                        await self.store.outputs.keep(run_id, *live.excerpt.kept, kept)
                    await asyncio.sleep(KEPT_EVERY)
        except AutomationError as error:
            log.info("output of %s is not kept: %s", run_id, error.sentence)
        finally:
            del self._until[run_id]
