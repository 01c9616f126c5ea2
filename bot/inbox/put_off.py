"""Deliveries that GitHub lists and does not give, as a fact: whoever reads the list next asks for them, too.

The list is read on without them, and is not read that far back again.
"""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bot.github.hook import Attempt
from bot.store.facts import Facts

PUT_OFF: Final = "deliveries-put-off"
MOST: Final = 20
"""Each of them is asked for with each reading."""
KEPT: Final = 7 * 24 * 3600.0
"""Seconds for which GitHub may still have one: github.com keeps them for 3 days, an Enterprise server for 7.

Source: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

log = logging.getLogger(__name__)
_ATTEMPTS: Final = TypeAdapter(list[Attempt])
_ATTEMPT: Final = TypeAdapter(Attempt)
_ENTRIES: Final = TypeAdapter(list[Any])


@dataclass
class PutOff:
    """Those of all replicas, of which one reads at a time. What is changed is written down before a method returns.

    All methods that wait raise `DatabaseUnavailable`.
    """

    facts: Facts
    _attempts: dict[str, Attempt] = field(default_factory=dict)
    _foreign: list[Any] = field(default_factory=list)
    """Entries that cannot be read here: kept for whoever has written them, and told of once."""

    def __contains__(self, guid: str) -> bool:
        return guid in self._attempts

    @property
    def is_full(self) -> bool:
        """There are as many as there may be."""
        return len(self._attempts) >= MOST

    @property
    def attempts(self) -> list[Attempt]:
        return list(self._attempts.values())

    async def recall(self) -> list[Attempt]:
        """What is put off, whoever did it; what another version of the bot has written in a form of its own is left to it."""
        kept, known = await self.facts.get(PUT_OFF) or "[]", self._foreign
        self._attempts, self._foreign = {}, []
        for entry in _entries(kept):
            try:
                attempt = _ATTEMPT.validate_python(entry)
            except ValidationError:
                self._foreign.append(entry)
            else:
                self._attempts[attempt.guid] = attempt
        for entry in self._foreign:
            if entry not in known:
                log.warning(
                    "a delivery that was left for later cannot be read, and is not asked for: %.200r", entry
                )
        return self.attempts

    async def add(self, attempt: Attempt) -> None:
        self._attempts[attempt.guid] = attempt
        await self._write()

    async def drop(self, settled: Collection[str], now: float) -> None:
        """Ask no more for these GUIDs, nor for what is too old.

        Args:
            now: Unix time by GitHub's clock.
        """
        left = {guid: each for guid, each in self._attempts.items() if guid not in settled}
        for each in [each for each in left.values() if each.at < now - KEPT]:
            log.warning(
                "%s %s is lost: GitHub has not given it for as long as it keeps it", each.event, each.guid
            )
            del left[each.guid]
        if left != self._attempts:
            self._attempts = left
            await self._write()

    async def _write(self) -> None:
        entries = [*_ATTEMPTS.dump_python(self.attempts, mode="json"), *self._foreign]
        await self.facts.put(PUT_OFF, json.dumps(entries))


def _entries(kept: str) -> list[Any]:
    try:
        return _ENTRIES.validate_json(kept)
    except ValidationError:
        return [kept]
