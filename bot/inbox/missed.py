"""Deliveries that never came: GitHub sends none again by itself, but tells what it has sent.

The list is read from where the last reading ended, and a little before: a delivery can be listed late. What has been
taken in is known by its GUID and left alone, whatever GitHub says of it: it records its own time-outs as failures. Only
of what is not known, and may ask for something by its name, the payload is fetched.

Source: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import asyncio
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from automation.errors import AutomationError
from automation.github.errors import GitHubNotAsked, GitHubRefuses, GitHubUnavailable
from bot.contact import Contact
from bot.deeds import Deeds
from bot.events.relevance import may_ask
from bot.github.hook import Attempt, Hook
from bot.inbox.inbox import Inbox
from bot.inbox.put_off import PutOff
from bot.inbox.received import of_no_concern
from bot.log_context import about
from bot.metrics import Metrics
from bot.store.store import Store

OVERLAP: Final = 300.0
"""Seconds before the last reading's end that are read again, for what is listed late."""
LONG_OVERLAP: Final = 3600.0
LONG_EVERY: Final = 600.0
"""How often, and at the start, it is looked back that far."""
PAGES: Final = 1000
READ_UNTIL: Final = "deliveries-read-until"
FIRST_THERE: Final = "first-there"
FIRST_SENT: Final = "first-sent"
"""The same moment by GitHub's clock, as soon as that is known."""
AGREES: Final = 3.0
"""Seconds: GitHub tells whole ones, a little later."""
KNOWN_AT_ONCE: Final = 500
READINGS: Final = 30
"""Most readings in which one that GitHub lists and does not give holds up those after it."""
ARRIVES_WITHIN: Final = 12.0
"""Seconds between an attempt and its reception at the most: GitHub hangs up after 10. Later it was another attempt.

Source: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

log = logging.getLogger(__name__)


def missing(attempts: Iterable[Attempt], known: Collection[str]) -> list[Attempt]:
    """What has to be fetched: one attempt of each delivery that is not known, in the order in which they were sent."""
    first: dict[str, Attempt] = {}
    for attempt in sorted(attempts, key=lambda each: (each.at, each.id)):
        if attempt.guid not in known and may_ask(attempt.event, attempt.action):
            first.setdefault(attempt.guid, attempt)
    return list(first.values())


def places(attempts: Iterable[Attempt], received: Mapping[str, float], ahead: float = 0) -> dict[str, float]:
    """When each delivery was sent by our clock, no earlier than what was sent before it was received.

    The list tells seconds without parts: of two comments of one second, the one that was received would seem to
    have come after the one that was not.

    Args:
        ahead: seconds that GitHub's clock is before ours.
    """
    found: dict[str, float] = {}
    latest = 0.0
    for attempt in sorted(attempts, key=lambda each: (each.at, each.id)):
        sent_at = attempt.at - ahead
        received_at = received.get(attempt.guid, math.inf)
        if received_at < sent_at + ARRIVES_WITHIN:
            latest = max(latest, received_at)
        found.setdefault(attempt.guid, max(sent_at, latest))
    return found


@dataclass
class MissedDeliveries:
    """Takes them in.

    Attributes:
        every: seconds between two readings.
        github: told how it has answered.
        now: Unix time in seconds, as requests are put in their order by it.
        caught_up: set once the list has been read for the first time.
    """

    hook: Hook
    store: Store
    inbox: Inbox
    metrics: Metrics
    deeds: Deeds
    every: float = 60.0
    github: Contact = field(default_factory=Contact)
    now: Callable[[], float] = time.time
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)
    _looked_far_at: float = -LONG_EVERY
    _given_up: set[str] = field(default_factory=set)
    _failures: Counter[str] = field(default_factory=Counter)
    _put_off: PutOff = field(init=False)

    def __post_init__(self) -> None:
        self._put_off = PutOff(self.store.facts)

    async def read_for_ever(self) -> None:
        """Every so often, until cancelled."""
        try:
            while True:
                await self._try_to_read()
                self.caught_up.set()
                await asyncio.sleep(self.every)
        finally:
            # Another replica asks from now on.
            self.github.forget()

    async def _try_to_read(self) -> None:
        try:
            await self.read()
            self.github.answered()
        except AutomationError as error:
            if isinstance(error, GitHubUnavailable):
                self.github.failed(error)
            log.warning("missed deliveries wait: %s", error.sentence)

    async def wait(self, seconds: float) -> None:
        """Until the first reading is over, so long at the most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.caught_up.wait()

    async def read(self) -> int:
        """Take in what was missed since the last time; returns how many deliveries that were.

        What was sent before the bot was first there is not for it.

        Raises:
            GitHubRefuses, GitHubUnavailable: the list could not be had to its end.
            NotTaken, DatabaseUnavailable: something could not be stored. All of it is looked at again the next time.
        """
        there_since = float(await self.store.facts.once(FIRST_THERE, repr(self.now())))
        newest_page = await self.hook.attempts()
        # Seconds have no parts in the list: the first one counts whole.
        first = math.floor(float(await self.store.facts.once(FIRST_SENT, repr(there_since + self._ahead))))
        said = await self.store.facts.get(READ_UNTIL)
        until = float(said) if said is not None else first
        listed = await self._attempts(until, *newest_page)
        attempts = [*listed, *await self._put_off.recall()]
        received = await self._received({each.guid for each in attempts})
        sent_at = places(attempts, received, self._ahead)
        settled = received.keys() | self._given_up
        await self._put_off.drop(settled, self.hook.clock.now())
        new = missing([*listed, *self._put_off.attempts], settled)
        await self.store.deliveries.add([of_no_concern(each) for each in new if each.at < first])
        taken = 0
        for attempt in new:
            if attempt.at >= first:
                with about(delivery=attempt.guid):
                    taken += await self._take(attempt, sent_at[attempt.guid])
        newest = max((each.at for each in listed), default=until)
        if said is None or newest != until:
            await self.store.facts.put(READ_UNTIL, repr(newest))
        if taken:
            self.deeds.note("deliveries-taken", f"{taken} missed deliveries taken in from GitHub's list")
        return taken

    @property
    def _ahead(self) -> float:
        """Seconds by which GitHub's clock is ahead of ours."""
        ahead = self.hook.clock.now() - self.now()
        return ahead if abs(ahead) > AGREES else 0

    async def _attempts(self, until: float, page: list[Attempt], cursor: str) -> list[Attempt]:
        """All that are listed since the last reading, and a little before; the newest first.

        Args:
            page, cursor: the newest ones, and where the list goes on.
        """
        is_far = time.monotonic() - self._looked_far_at >= LONG_EVERY
        overlap = LONG_OVERLAP if is_far else OVERLAP
        since = until - overlap
        found = list(page)
        for _ in range(PAGES):
            if not cursor or (page and page[-1].at < since):
                break
            page, cursor = await self.hook.attempts(cursor)
            found += page
        else:
            log.warning("more than %d pages of deliveries: the oldest are not looked at", PAGES)
        if is_far:
            self._looked_far_at = time.monotonic()
        return [each for each in found if each.at >= since]

    async def _received(self, guids: Collection[str]) -> dict[str, float]:
        listed = sorted(guids)
        received: dict[str, float] = {}
        for at in range(0, len(listed), KNOWN_AT_ONCE):
            received |= await self.store.deliveries.received(listed[at : at + KNOWN_AT_ONCE])
        return received

    async def _take(self, attempt: Attempt, sent_at: float) -> bool:
        try:
            payload = await self.hook.payload(attempt)
        except GitHubUnavailable as error:
            await self._leave_out(attempt, error)
            return False
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        is_new = await self.inbox.take(attempt.guid, attempt.event, payload, body, sent_at=sent_at)
        if is_new:
            self.metrics.deliveries_recovered.labels(attempt.event).inc()
            log.info("%s %s taken in from GitHub's list", attempt.event, attempt.guid)
        return is_new

    async def _leave_out(self, attempt: Attempt, error: GitHubUnavailable) -> None:
        """Give it up, if GitHub does not keep it any more; or leave it for a later reading.

        Raises:
            GitHubUnavailable: it is worth waiting for: until it is had those after it wait, to be in their order.
            DatabaseUnavailable: that it is left for later could not be remembered.
        """
        if isinstance(error, GitHubRefuses) and error.status == HTTPStatus.NOT_FOUND:
            self._given_up.add(attempt.guid)
            log.warning("%s %s is lost: %s", attempt.event, attempt.guid, error.sentence)
            return
        if isinstance(error, GitHubNotAsked):
            raise error
        if attempt.guid in self._put_off:
            return
        self._failures[attempt.guid] += 1
        if self._failures[attempt.guid] < READINGS or self._put_off.is_full:
            raise error
        log.warning("%s %s is left for later: %s", attempt.event, attempt.guid, error.sentence)
        await self._put_off.add(attempt)
