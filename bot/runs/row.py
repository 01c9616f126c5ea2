"""The row of a run, as its driver writes it: all of what is known, unless a newer driver has the run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automation.output.excerpt import Excerpt
from bot.runs.live import LiveRun
from bot.runs.run import Overtaken, Run
from bot.store.store import Store


@dataclass
class Row:
    """One run, in memory and in the database."""

    store: Store
    live: LiveRun
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def run(self) -> Run:
        return self.live.run

    async def save(
        self, *, output: Excerpt | None = None, secrets: Mapping[str, bytes] | None = None, **changes: Any
    ) -> None:
        """Change the run and write it, with its output and its sealed secrets where there are any.

        Raises:
            Overtaken: a newer driver has it; nothing has been changed.
        """
        async with self._saving:
            async with self.store.database.writing():
                if not await self.store.runs.save(replace(self.run, **changes)):
                    raise Overtaken
                if secrets:
                    await self.store.secrets.keep(self.run.id, secrets)
                if output is not None:
                    await self.store.outputs.keep(self.run.id, *output.kept, output.total)
            # What has come in meanwhile stays.
            self.live.become(replace(self.run, **changes))
