"""What GitHub is told of a run: its check run, opened once and concluded, and the answer on the pull request.

None of it holds the run up. A check run whose creation is on its way is not asked for a second time: whoever does
not wait for it any more leaves it to whoever comes next.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field

from automation.errors import AutomationError
from automation.github import GitHub, GitHubRefuses
from automation.github.check_run import CheckRun
from bot.bot import Bot
from bot.runs.answer import Answer
from bot.runs.check import RunCheck
from bot.runs.row import Row
from bot.runs.run import End, State
from bot.store.errors import DatabaseUnavailable

FOR_GOOD = frozenset({404, 410, 422})
"""Answers that will not change: the commit or the check run is not there, or not to GitHub's taste."""

log = logging.getLogger(__name__)


@dataclass
class Telling:
    """For one driver's turn at one run."""

    bot: Bot
    github: GitHub
    row: Row
    _check: RunCheck = field(init=False)
    _answer: Answer = field(init=False)
    _creating: asyncio.Task[CheckRun] | None = None
    _live: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        run, bot = self.row.run, self.bot
        self._answer = Answer(bot, self.github)
        self._check = RunCheck(
            self.github,
            self.row.live,
            bot.instance,
            bot.settings.app_id,
            bot.page_url(run),
            looks=run.epoch > 1,
        )

    async def open(self) -> None:
        """Have the check run.

        Raises:
            GitHubRefuses: it says no.
            GitHubUnavailable: patience is spent.
        """
        if self.row.run.check_id:
            return
        if self._creating is None or self._creating.done():
            self._creating = asyncio.create_task(self._check.open())
        check = await asyncio.shield(self._creating)
        if not self.row.run.check_id:
            shows_queued = check.status == State.QUEUED
            await self.row.save(check_id=check.id, check_url=check.url, shows_queued=shows_queued)

    def begin(self) -> None:
        """Tell how the run goes on, in the background."""
        self._live = asyncio.create_task(self._keep_up())

    async def leave_off(self) -> None:
        """Tell nothing more of how it goes on."""
        if self._live:
            self._live.cancel()
            await asyncio.gather(self._live, return_exceptions=True)

    async def finish(self, end: End) -> None:
        """Tell the end, in the order of what people wait for.

        Raises:
            GitHubUnavailable: it could not be told now.
        """
        if self.row.run.has_check:
            await self._conclude(end)
        await self._answer.finish(self.row.run)

    async def _conclude(self, end: End) -> None:
        try:
            await self.open()
            await self.leave_off()
            await self._check.conclude(self.row.run.check_id, end)
        except GitHubRefuses as error:
            if error.status not in FOR_GOOD:
                raise
            sentence = self.bot.redactor.text(error.sentence)
            log.warning("run %s: no check run (%s)", self.row.run.id, sentence)

    async def _keep_up(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_check_up())
            tasks.create_task(self._answer.keep_up(self.row.live))
            tasks.create_task(self._note_start())

    async def _keep_check_up(self) -> None:
        try:
            await self.open()
            if self.row.run.shows_queued:
                await self._check.start(self.row.run.check_id)
                await self.row.save(shows_queued=False)
        except AutomationError:
            # It is tried again with the verdict; the run does not wait for it.
            return
        await self._check.keep_up(self.row.run.check_id)

    async def _note_start(self) -> None:
        """Write down that the run has begun, for the pages of other replicas and for whoever drives it next."""
        while not self.row.run.is_started:
            await self.row.live.news.wait()
        with suppress(DatabaseUnavailable):
            await self.row.save()
