"""The check run of one run: opened once, kept up to date at a bounded rate, completed with the verdict.

Its conclusion goes before all else, its creation as soon as it can, edits when there is room for them. The check run
is found again by its `external_id`, so that a driver that comes after a crash makes no second one.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from automation.errors import AutomationError
from automation.github import GitHub, GitHubUnavailable
from automation.github.check_run import Button, CheckRun, NewCheck
from automation.github.checks import Checks
from automation.github.lane import Lane
from automation.github.pace import pause_before_update
from automation.reasons import Conclusion, Reason
from automation.report import Report
from automation.report.live import write_live_report
from automation.result import Annotation
from bot.runs.live import LiveRun
from bot.runs.owner import keys_of
from bot.runs.run import End, State

RETRY: Final = Button("Retry", "Run it again at this commit", "retry")
APPROVE: Final = Button("Approve this commit", "Run it on this commit of a fork", "approve")

DOING: Final = {
    State.STARTING: "Starting",
    State.RUNNING: "Running",
    State.CONCLUDING: "Ending",
    State.ENDED: "Ended",
}


def buttons_of(end: End) -> list[Button]:
    """What people may do about an end that is no success."""
    if end.reason is Reason.FORK_NEEDS_APPROVAL:
        return [APPROVE]
    return [] if end.conclusion is Conclusion.SUCCESS else [RETRY]


@dataclass
class RunCheck:
    """The check run of `live.run`.

    Attributes:
        instance: of the bot.
        url: of the run's page.
        looks: a driver before us may have made it.
    """

    github: GitHub
    live: LiveRun
    instance: str
    app_id: int
    url: str
    looks: bool
    _has_tried: bool = False
    _may_be_reopened: bool = False

    async def open(self) -> CheckRun:
        """Found or created.

        Raises:
            GitHubRefuses: it says no.
            GitHubUnavailable: patience is spent.
        """
        run = self.live.run
        is_queued = run.state is State.QUEUED
        new = NewCheck(
            run.name, run.head_sha, str(keys_of(run, self.instance)), self.url, is_queued=is_queued
        )
        checks = self._checks(Lane.END if run.is_over else Lane.START)
        looks, self._has_tried = self.looks or self._has_tried, True
        try:
            return await checks.open(new, self._report(), looks=looks)
        finally:
            # From now on there may be as many as were asked for.
            self.looks = self.looks or checks.creations > 1

    async def start(self, check_id: int) -> None:
        """Its turn has come. What cannot be shown now is shown with the end."""
        self._may_be_reopened = True
        with suppress(GitHubUnavailable):
            await self._checks(Lane.START).start(check_id, self._report())
            self._may_be_reopened = False

    async def keep_up(self, check_id: int) -> None:
        """Show how the run goes on, until cancelled; what cannot be shown now is shown with the next news."""
        began = time.monotonic()
        while True:
            news = self.live.news
            await asyncio.sleep(pause_before_update(time.monotonic() - began) * self.github.gate.slowness)
            await news.wait()
            try:
                await self._checks(Lane.COSMETIC).show(check_id, self._report())
            except AutomationError:
                continue

    async def conclude(self, check_id: int, end: End) -> None:
        """Complete it, unless somebody has.

        Raises:
            GitHubRefuses: it says no.
            GitHubUnavailable: patience is spent.
        """
        shown = [Annotation.model_validate(dict(each)) for each in end.annotations]
        buttons = buttons_of(end)
        await self._conclude(check_id, end, shown, buttons)
        if self.looks:
            await self._conclude_twins(check_id, end, buttons)
        if self._may_be_reopened and not (await self._checks(Lane.END).read(check_id)).is_completed:
            # "In progress" was on its way for longer than we waited, and has arrived after the conclusion.
            await self._conclude(check_id, end, (), buttons)

    async def _conclude(
        self, check_id: int, end: End, annotations: Sequence[Annotation], buttons: Sequence[Button]
    ) -> None:
        await self._checks(Lane.END).conclude(
            check_id, end.conclusion, end.report, annotations, looks=self.looks, buttons=buttons
        )

    async def _conclude_twins(self, check_id: int, end: End, buttons: Sequence[Button]) -> None:
        """A creation whose answer was lost can have taken effect after it was looked for: both end alike."""
        run = self.live.run
        for twin in await self._checks(Lane.END).twins(run.head_sha, str(keys_of(run, self.instance))):
            if twin.id != check_id and not twin.is_completed:
                await self._conclude(twin.id, end, (), buttons)

    def _checks(self, lane: Lane) -> Checks:
        return Checks(self.github.at(lane), self.app_id)

    def _report(self) -> Report:
        run = self.live.run
        doing = f"Waiting for {run.waits_for}" if run.state is State.QUEUED else DOING[run.state]
        return write_live_report(run.name, str(run.id), doing, self.live.excerpt, self.url)
