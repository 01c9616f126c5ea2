"""Takes what the inbox has stored and deals with it, several at a time, of each lane one after the other.

What could not be dealt with now (GitHub away, no room) is put off with a growing pause, for as long as GitHub itself would
keep the delivery, and what came later in its lane waits behind it. A request that GitHub refuses, or that fails by a
defect of ours, is tried a few times and then left with a note; how often it was put off does not count for that.
While the database takes nothing, nothing is begun.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from automation.errors import AutomationError
from automation.github import GitHubRefuses, GitHubUnavailable
from bot.bot import Bot
from bot.commands import may_command
from bot.events import key_of, read_event, target_of
from bot.events.check_run import ActionRequested, CheckRerequested
from bot.events.check_suite import SuiteRerequested
from bot.events.issue_comment import CommentCreated
from bot.events.origin import Origin
from bot.events.pull_request import PullRequestMoved
from bot.events.relevance import may_trigger
from bot.log_context import about
from bot.replies import key_of as key_of_comment
from bot.requests.click import Clicked
from bot.requests.comment import Commanded
from bot.requests.desk import Desk
from bot.requests.trigger import Triggering
from bot.runs.driver import Driver
from bot.store.requests import Request

AT_ONCE = 8
"""Most requests at once."""
OF_A_REPOSITORY = 2
"""Most of one repository at once: the others have work, too."""

COMMENTS_PER_HOUR = 60
"""Comments of one person in one repository that are dealt with, or as many as the runs that he may have."""

HOUR = 3600.0
"""Seconds."""
LOOKED_AT = 64
"""Most requests that are read at one look."""
LOOKS_EVERY = 5.0
"""Seconds between two looks, unless something arrives."""
PAUSES = (1.0, 3.0, 10.0, 30.0, 120.0, 600.0)
"""Seconds after the first try that failed, the second, and so on; then the last one each time."""
TRIED_FOR = 3 * 24 * HOUR
"""Seconds for which a request is tried, at least: GitHub would keep its delivery for as long.

Source: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
"""
TRIES = len(PAUSES) + math.ceil(TRIED_FOR / PAUSES[-1])
"""Tries of a request that GitHub or the database is in the way of, in all."""
WRITE_PROBE = "room"
"""A fact written only to see whether the database takes writes again."""
REFUSALS = 4
"""Refusals by GitHub, over a quarter of a minute: one may pass, as of a repository that has just been added."""
DEFECTS = 3
"""Failures of a request by a defect of ours."""
WITHIN = 300.0
"""Seconds for one try."""

log = logging.getLogger(__name__)


class _Failure(Enum):
    """What a try may end with that is no matter of waiting."""

    REFUSAL = "refusal"
    DEFECT = "defect"

    @property
    def most(self) -> int:
        """Of one request; with that many it is given up."""
        return REFUSALS if self is _Failure.REFUSAL else DEFECTS


def is_command(event: object) -> bool:
    """Whether it is a new comment of a person on a pull request that may hold a command, and none of our own."""
    return (
        isinstance(event, CommentCreated)
        and event.is_pull_request
        and event.author.is_user
        and not event.via_app
        and may_command(event.body)
        and key_of_comment(event.body) is None
    )


def is_wanted(name: str, payload: Mapping[str, Any], app_id: int) -> bool:
    """Whether a delivery asks for anything: a command, a click, or an event that a trigger could wait for."""
    event = read_event(name, payload)
    if isinstance(event, CheckRerequested | SuiteRerequested | ActionRequested):
        return event.app_id == app_id
    if not may_trigger(name):
        return False
    return is_command(event) or target_of(name, payload, app_id=app_id) is not None


@dataclass
class Worker:
    """Deals with requests."""

    bot: Bot
    driver: Driver
    arrived: asyncio.Event
    _busy: dict[int, str] = field(default_factory=dict)
    _is_full: bool = False
    _failures: Counter[tuple[int, _Failure]] = field(default_factory=Counter)

    async def work(self) -> None:
        """For ever, until cancelled; what it is at then is dealt with again by whoever comes next."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self.arrived.clear()
                pause = LOOKS_EVERY
                try:
                    await self._see_room()
                    for request in self._next(await self._due()):
                        with about(delivery=request.delivery, repository=request.repository):
                            tasks.create_task(self._deal_with(request))
                    pause = await self._pause()
                except AutomationError as error:
                    log.warning("requests wait: %s", error.sentence)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self.arrived.wait()

    async def _see_room(self) -> None:
        """Where something could not be written: begin with nothing before something can be.

        Raises:
            DatabaseUnavailable: it still cannot.
        """
        if self._is_full:
            await self.bot.store.facts.put(WRITE_PROBE, "")
            self._is_full = False

    async def _due(self) -> list[Request]:
        if len(self._busy) >= AT_ONCE:
            return []
        rows = self.bot.store.requests
        return await rows.due(self.bot.clock.now(), LOOKED_AT, busy=self._busy.keys(), each=OF_A_REPOSITORY)

    def _next(self, due: Sequence[Request]) -> Iterator[Request]:
        """Those of them that there is room for."""
        at_work = Counter(self._busy.values())
        for request in due:
            if len(self._busy) < AT_ONCE and at_work[request.repository] < OF_A_REPOSITORY:
                at_work[request.repository] += 1
                self._busy[request.id] = request.repository
                yield request

    async def _pause(self) -> float:
        if len(self._busy) >= AT_ONCE:
            return LOOKS_EVERY
        due = await self.bot.store.requests.next_due()
        if due is None or self._busy:
            return LOOKS_EVERY
        return min(max(due - self.bot.clock.now(), 0.05), LOOKS_EVERY)

    async def _deal_with(self, request: Request) -> None:
        rows = self.bot.store.requests
        try:
            with self.bot.tracing.request(request) as traceparent:
                async with asyncio.timeout(WITHIN):
                    note = await self._handle(request, traceparent)
            await rows.done(request.id, note)
            self._forget(request)
            self.bot.metrics.requests_dealt.labels("done").inc()
            log.info("request %s (%s): %s", request.id, request.event, self.bot.redactor.text(note))
        except AutomationError as error:
            sentence = self.bot.redactor.text(error.sentence)
            failure = _Failure.REFUSAL if isinstance(error, GitHubRefuses) else None
            asked = error.wait if isinstance(error, GitHubUnavailable) else None
            await self._later(request, sentence, failure, asked or 0)
        except TimeoutError:
            await self._later(request, f"not done in {WITHIN:g} s")
        except Exception as error:  # noqa: BLE001  # the outermost: one request must not stop the others
            what = self.bot.redactor.text(f"{type(error).__name__}: {error}")
            self.bot.metrics.defects.labels("request").inc()
            log.error("request %s: a defect of automation-bot: %s", request.id, what)  # noqa: TRY400  # redacted
            await self._later(request, what, _Failure.DEFECT)
        finally:
            del self._busy[request.id]
            self.arrived.set()

    async def _later(
        self, request: Request, note: str, failure: _Failure | None = None, asked: float = 0
    ) -> None:
        """Put it off, or give it up.

        Args:
            failure: what is not borne for as long as something that is away.
            asked: seconds that GitHub asks to be left alone for.
        """
        rows = self.bot.store.requests
        try:
            before = self._count(request, failure)
            if before is None:
                await rows.failed(request.id, note)
                self._forget(request)
                self.bot.metrics.requests_dealt.labels("failed").inc()
                return
            pause = max(PAUSES[min(before, len(PAUSES) - 1)], min(asked, HOUR))
            await rows.later(request.id, self.bot.clock.now() + pause, note)
            log.warning("request %s waits %g s: %s", request.id, pause, note)
        except AutomationError as error:
            log.warning("request %s: %s", request.id, error.sentence)
            # It cannot be put off in the database, as where the disk is full: GitHub must not pay for that.
            self._is_full = True
            await asyncio.sleep(LOOKS_EVERY)

    def _count(self, request: Request, failure: _Failure | None) -> int | None:
        """How often it has ended like this before; None if this was once too often.

        Failures are counted here only: another process begins anew, and no outage is taken for one of them.
        """
        if request.tries + 1 >= TRIES:
            return None
        if failure is None:
            return request.tries
        self._failures[request.id, failure] += 1
        count = self._failures[request.id, failure]
        return count - 1 if count < failure.most else None

    def _forget(self, request: Request) -> None:
        for failure in _Failure:
            self._failures.pop((request.id, failure), None)

    async def _handle(self, request: Request, traceparent: str) -> str:
        app_id = self.bot.settings.app_id
        if await self._is_too_much(request):
            return f"{request.sender} has commented more than is dealt with within an hour"
        payload = await self.bot.store.requests.payload(request.id)
        origin = Origin.read(payload)
        if origin is None:
            return "no repository"
        desk = Desk(
            self.bot, self.driver, origin.repository, origin.installation, request.delivery, traceparent
        )
        event = read_event(request.event, payload)
        if isinstance(event, PullRequestMoved):
            await desk.acceptance.approvals.void(event)
        if isinstance(event, CheckRerequested | SuiteRerequested | ActionRequested):
            return await Clicked(desk, event, request.id).handle()
        if isinstance(event, CommentCreated) and is_command(event):
            return await Commanded(desk, event, request.id).handle()
        target = target_of(request.event, payload, app_id=app_id)
        key = key_of(request.event, payload)
        if target is None or key is None:
            return "nothing"
        actor = origin.sender.login
        return await Triggering(desk, request.event, key, payload, target, actor, request.id).handle()

    async def _is_too_much(self, request: Request) -> bool:
        """Whether it is one comment too many: each costs calls to GitHub, whoever has written it."""
        if request.event != "issue_comment":
            return False
        most = max(COMMENTS_PER_HOUR, self.bot.settings.caps.per_user)
        return await self.bot.store.requests.count_before(request, HOUR) >= most
