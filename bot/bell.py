"""What replicas tell each other at once: that there is something to do. What is missed is seen by the next sweep.

A word is a kind and, for most, the id of a run, such as `poke 6f1c…`. It travels by PostgreSQL's NOTIFY; with an
SQLite file nobody else is there to hear it.

Source: https://www.postgresql.org/docs/current/sql-notify.html
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from automation.errors import AutomationError
from bot.metrics import Metrics
from bot.replicas import Replicas
from bot.tending import tending

CHANNEL: Final = "automation_bot"
AGAIN_AFTER: Final = 1.0
"""Seconds after which ringing or listening is tried again that the database did not do."""
LAST: Final = 2.0
"""Seconds for the last word."""

log = logging.getLogger(__name__)


class Word(StrEnum):
    """What is told."""

    POKE = "poke"
    """There is something to do about a run; without one, about any of them."""
    WAKE = "wake"
    """A run has said something."""
    WATCH = "watch"
    """Somebody looks at a run."""
    REQUESTS = "requests"
    """There are new requests."""


type Heard = Callable[[Word, UUID | None], None]
"""What is done about a word."""


@dataclass
class Bell:
    """Rings with the others."""

    replicas: Replicas
    metrics: Metrics
    _words: dict[str, None] = field(default_factory=dict)
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self, word: Word, run: UUID | None = None) -> None:
        """Tell the others, soon."""
        if self.replicas.is_shared:
            self._words[f"{self.replicas.id} {word}{f' {run}' if run else ''}"] = None
            self._rung.set()

    @asynccontextmanager
    async def open(self, heard: Heard) -> AsyncIterator[None]:
        """Ring and listen for as long as the context lasts; at its end the others are told to look around.

        Args:
            heard: what is done about each word of another one; all of `POKE` and `REQUESTS` after a silence, in
                which some may have been missed.
        """
        if not self.replicas.is_shared:
            yield
            return

        async def listen() -> None:
            await self._listen(heard)

        try:
            async with tending("listen", listen, self.metrics), tending("ring", self._ring, self.metrics):
                yield
        finally:
            # What this one had is free now.
            self.ring(Word.POKE)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await self._tell()

    async def _ring(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            if not await self._tell():
                await asyncio.sleep(AGAIN_AFTER)

    async def _tell(self) -> bool:
        """Tell what has been rung; whether anybody could be told."""
        words, self._words = self._words, {}
        try:
            await self.replicas.store.database.notify(CHANNEL, list(words))
        except AutomationError as error:
            log.warning("others hear it later: %s", error.sentence)
            return False
        return True

    async def _listen(self, heard: Heard) -> None:
        while True:
            try:
                async with self.replicas.store.database.listening(CHANNEL) as words:
                    heard(Word.POKE, None)
                    heard(Word.REQUESTS, None)
                    async for text in words:
                        self._hear(text, heard)
            except AutomationError as error:
                log.warning("the others are not heard: %s", error.sentence)
            await asyncio.sleep(AGAIN_AFTER)

    def _hear(self, text: str, heard: Heard) -> None:
        teller, _, said = text.partition(" ")
        if teller == self.replicas.id:
            return
        kind, _, run = said.partition(" ")
        try:
            heard(Word(kind), UUID(run) if run else None)
        except ValueError:
            # Said by a newer version of the bot.
            log.info("not understood: %r", text)
