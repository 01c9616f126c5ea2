"""Check runs of ours that are pending and whose runs nobody drives: found on GitHub, and concluded.

A run's row is written before its check run, and driven until it has ended. What is left over all the same: a second
check run of one run, whose creation took effect long after its answer was lost; one that GitHub could not be told of
for days; and those of a database that was replaced by an older copy. They are looked for on the commits of runs that
have just ended and on the heads of open pull requests, a bounded number of reads a pass.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from automation.errors import AutomationError
from automation.github import GitHub
from automation.github.answers import understood
from automation.github.check_run import Button, CheckRun
from automation.github.checks import Checks
from automation.github.lane import Lane
from automation.observation import Observation, Process
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.verdict import judge
from bot.bot import Bot
from bot.log_context import about, about_run
from bot.runs.check import buttons_of
from bot.runs.end import end_of
from bot.runs.run import End, Run
from bot.watchdog.decision import Due, due

EVERY: Final = 60.0
READS: Final = 30
"""Most commits that are looked at in a pass."""
READS_OF_HEADS: Final = 6
"""Most reads of open pull requests and their heads, but in the first pass: GitHub has better things to answer."""
CONCLUDED: Final = 40
"""Most check runs that are concluded in a pass: GitHub's limit on what is written is eighty requests a minute.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""
JUST_ENDED: Final = 600.0
AGAIN_AFTER: Final = 300.0
"""Seconds after which such a commit is looked at once more: an edit that was on its way can arrive after the end."""
KNOWN_FOR: Final = 30 * 24 * 3600.0
PULLS: Final = 100
UNKNOWN: Final = (
    "the bot knows nothing of this run any more, as after its database was replaced by an older copy"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where check runs may be: a commit."""

    repository: str
    installation: int
    sha: str


@dataclass
class PendingChecks:
    """Looks for them.

    Attributes:
        bot: whose.
    """

    bot: Bot
    _looked_at: dict[Place, float] = field(default_factory=dict)
    _repositories: list[tuple[str, int]] = field(default_factory=list)
    _heads: list[Place] = field(default_factory=list)
    _reads_left: int = READS

    async def watch_for_ever(self) -> None:
        """Every so often, until cancelled."""
        while True:
            try:
                await self.watch()
            except AutomationError as error:
                log.warning("pending check runs wait: %s", self.bot.redactor.text(error.sentence))
            await asyncio.sleep(EVERY)

    async def watch(self) -> int:
        """One pass; returns how many were concluded. What cannot be dealt with waits for another pass.

        Raises:
            DatabaseUnavailable: nothing is known of runs now.
        """
        concluded = reads = 0
        async for place in self._places():
            with about(repository=place.repository):
                try:
                    concluded += await self._watch(place, CONCLUDED - concluded)
                except AutomationError as error:
                    sentence = self.bot.redactor.text(error.sentence)
                    log.info("check runs of %s at %s wait: %s", place.repository, place.sha, sentence)
            reads += 1
            if reads >= READS or concluded >= CONCLUDED:
                break
        return concluded

    async def _places(self) -> AsyncIterator[Place]:
        """Commits of runs that have just ended, twice each; then the heads of open pull requests, in turns."""
        now = self.bot.clock.now()
        self._looked_at = {place: at for place, at in self._looked_at.items() if at > now - 2 * JUST_ENDED}
        for found in await self.bot.store.run_lists.heads_ended_since(now - JUST_ENDED):
            place = Place(*found)
            if self._looked_at.get(place, -math.inf) <= now - AGAIN_AFTER:
                self._looked_at[place] = now
                yield place
        if not self._repositories:
            self._repositories = await self.bot.store.run_lists.repositories(now - KNOWN_FOR)
        left, self._reads_left = self._reads_left, READS_OF_HEADS
        # Each repository once in a pass at the most.
        while left and (self._heads or self._repositories):
            left -= 1
            if self._heads:
                yield self._heads.pop()
            else:
                await self._next_heads()

    async def _next_heads(self) -> None:
        """The heads of the next repository's open pull requests."""
        repository, installation = self._repositories.pop()
        github = self.bot.installations.client(repository, installation).at(Lane.WATCH)
        try:
            pulls = github.pages("/pulls", None, limit=PULLS, state="open", sort="updated", direction="desc")
            with understood("a list of pull requests"):
                heads = [str(pull["head"]["sha"]) async for pull in pulls]
        except AutomationError as error:
            with about(repository=repository):
                log.info("pull requests of %s wait: %s", repository, self.bot.redactor.text(error.sentence))
            return
        self._heads = [Place(repository, installation, sha) for sha in dict.fromkeys(heads)]

    async def _watch(self, place: Place, most: int) -> int:
        """Conclude what is due there, so many at the most; with more of them the place comes next again."""
        github = self.bot.installations.client(place.repository, place.installation)
        concluded = 0
        for check in await Checks(github.at(Lane.WATCH), self.bot.settings.app_id).on(place.sha):
            if concluded >= most:
                self._heads.append(place)
                break
            try:
                run = await self.bot.store.runs.find_by_external_id(check.external_id)
            except ValueError:
                log.warning("%s: its run is left to a newer version of the bot", check.url)
                continue
            with about_run(run) if run else about(run=str(check.keys.run) if check.keys else ""):
                concluded += await self._settle(github, check, run)
        return concluded

    async def _settle(self, github: GitHub, check: CheckRun, run: Run | None) -> bool:
        match due(check, self.bot.instance, run):
            case Due.LEAVE:
                return False
            case Due.CONCLUDE_AGAIN:
                assert run is not None and run.end is not None  # noqa: PT018, S101
                if await self._conclude(github, check, run.end, buttons_of(run.end)):
                    self.bot.deeds.note("check-repeated", f"{check.url}: shows how its run {run.id} ended")
            case Due.LOSE:
                # Without a button: there is nothing left that could be run again.
                if await self._conclude(github, check, self._lost(check), []):
                    self.bot.deeds.note("check-lost", f"{check.url}: nobody knows its run")
        return True

    async def _conclude(self, github: GitHub, check: CheckRun, end: End, buttons: Sequence[Button]) -> bool:
        """False if somebody has concluded it since it was listed."""
        concluded = await Checks(github.at(Lane.END), self.bot.settings.app_id).conclude(
            check.id, end.conclusion, end.report, buttons=buttons
        )
        return concluded.is_ours

    def _lost(self, check: CheckRun) -> End:
        """The end of a run of which nothing is known any more."""
        verdict = replace(judge(Observation(process=Process.GONE)), sentence=UNKNOWN)
        outcome = Outcome(str(check.keys.run) if check.keys else "", verdict, Excerpt())
        return end_of(check.name, outcome, self.bot.redactor)
