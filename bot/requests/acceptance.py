"""From somebody's wish for a run to the run: gates, lane, row. What is refused has made nothing."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID, uuid4

from automation.authority import check_role
from automation.catalogue import Automation
from automation.definition import resolve_inputs
from automation.errors import Misconfigured, Refused
from automation.observation import Cause
from automation.reasons import Conclusion, Reason
from automation.run.start import BACKSTOP
from bot.authority import Recent, check_caps, check_fork
from bot.bot import Bot
from bot.log_context import about_run
from bot.requests.approvals import Approvals
from bot.requests.wish import Subject, Wish
from bot.runs.driver import Driver
from bot.runs.lanes import lane_of, to_replace
from bot.runs.run import End, Run, State, newest_by_automation

HOUR = 3600.0
MARGIN = 3600.0
"""Seconds for what comes before and after a run, turns in its lane among them."""
TICK = 1e-6
"""Seconds between two runs of one lane: whoever came first also shows so by a clock that was set, or another's."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Acceptance:
    """Accepts runs for one bot.

    Attributes:
        delivery: GUID of the one that asks for them; traceparent: its place in a trace.
    """

    bot: Bot
    driver: Driver
    delivery: str = ""
    traceparent: str = ""

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.bot.store)

    async def accept(self, automation: Automation, subject: Subject, wish: Wish) -> Run:
        """The run, which is driven from now on; the one that the same wish has made already, if there is one.

        What is looked at and what is written is one transaction: of several at once, each knows of those before it.

        Raises:
            Refused: by role, cap, lane, or because the commit is a fork's.
            Misconfigured: an input that does not fit.
        """
        rows = self.bot.store.runs
        run = self._run(automation, subject, wish)
        by, replaced = f"the newer run {run.id}", list[Run]()
        async with self.bot.store.database.writing(_turn(run)):
            made = await self._made(run, wish)
            if made and made.lane:
                return made
            await self._check(automation, run, subject, wish)
            if made:
                return made
            lane = await rows.in_lane(run.lane)
            run = replace(
                run, accepted_at=max([self.bot.clock.now(), *(each.accepted_at + TICK for each in lane)])
            )
            replaced = to_replace(run.policy, lane)
            await rows.add(run, request=wish.request, event=wish.event)
            for older in replaced:
                await rows.ask_stop(older.id, by, Cause.SUPERSEDED.value)
        for older in replaced:
            self.driver.heed_stop(older.id, by, Cause.SUPERSEDED)
        self.driver.poke(run.id)
        with about_run(run):
            log.info("run %s accepted: %s at %s", run.id, run.automation, run.head_sha)
        return run

    async def hold(
        self, automation: Automation, subject: Subject, wish: Wish, refusal: Refused
    ) -> Run | None:
        """A run that waits for something that people have to do first: known, told, and not started.

        Only a declared trigger's shows as a check run: a comment's refusal must not colour a pull request.

        Returns:
            None beyond the caps, which count what is held apart: then it leaves no trace.
        """
        needs_approval = refusal.reason is Reason.FORK_NEEDS_APPROVAL
        end = End(
            Conclusion.ACTION_REQUIRED,
            refusal.reason,
            refusal.sentence,
            title="Waits for the approval of this commit" if needs_approval else "Not started",
            summary=refusal.sentence,
        )
        return await self._note(self._run(automation, subject, wish), wish, end)

    async def fail(
        self, automation: Automation, subject: Subject, wish: Wish, error: Misconfigured
    ) -> Run | None:
        """A run that a declared trigger asks for and that cannot be: its check run says why. None as for `hold`."""
        end = End(
            Conclusion.FAILURE,
            error.reason,
            error.sentence,
            title="Failure: the definition does not fit",
            summary=error.sentence,
        )
        return await self._note(self._run(automation, subject, wish), wish, end)

    async def _note(self, run: Run, wish: Wish, end: End) -> Run | None:
        """A run that is over before it began, which no lane knows."""
        noted = replace(
            run,
            lane="",
            state=State.CONCLUDING if wish.is_by_event else State.ENDED,
            has_check=wish.is_by_event,
            end=end,
            ended_at=self.bot.clock.now(),
        )
        async with self.bot.store.database.writing(_turn(noted)):
            if made := await self._made(noted, wish):
                return made
            try:
                check_caps(await self._recent(noted), self.bot.settings.caps)
            except Refused:
                return None
            await self.bot.store.runs.add(noted, request=wish.request, event=wish.event)
        self.driver.poke(noted.id)
        return noted

    async def _made(self, run: Run, wish: Wish) -> Run | None:
        """What this wish, dealt with or pressed before, has come to."""
        rows = self.bot.store.runs
        made = await rows.made_by(wish.request, wish.comment_id)
        same = next((each for each in made if each.automation == run.automation), None)
        return same or (await rows.repeating(wish.retry_of) if wish.retry_of else None)

    async def _check(self, automation: Automation, run: Run, subject: Subject, wish: Wish) -> None:
        settings = automation.definition.settings
        if not wish.is_by_event:
            check_role(wish.actor, wish.role, settings)
        resolve_inputs(automation.definition, wish.inputs)
        approved = await self.approvals.has(subject)
        check_fork(subject.sha, settings, is_fork=subject.is_fork, is_approved=approved)
        self.bot.check_place(is_fork=subject.is_fork)
        check_caps(await self._recent(run), self.bot.settings.caps)

    async def held(self, repository: str, number: int, sha: str, *, but: Collection[UUID] = ()) -> list[Run]:
        """The newest run of each automation on this commit, where that waits for an approval.

        Args:
            but: runs that do not count.
        """
        runs = await self.bot.store.runs.of_pull(repository, number, 200)
        newest = newest_by_automation(run for run in runs if run.head_sha == sha and run.id not in but)
        return [run for run in newest.values() if run.end and run.end.reason is Reason.FORK_NEEDS_APPROVAL]

    def _run(self, automation: Automation, subject: Subject, wish: Wish) -> Run:
        definition = automation.definition
        settings = definition.settings
        now = self.bot.clock.now()
        return Run(
            id=uuid4(),
            repository=subject.repository,
            installation=subject.installation,
            automation=automation.slug,
            name=definition.name,
            definition_sha=subject.definition_sha,
            head_sha=subject.sha,
            head_ref=subject.head_ref,
            base_sha=subject.base_sha,
            base_ref=subject.base_ref,
            pull_request=subject.pull_request,
            is_fork=subject.is_fork,
            actor=wish.actor,
            asks_role=None if wish.is_by_event else settings.who,
            cause=wish.cause,
            event_name=wish.event_name,
            comment_id=wish.comment_id,
            delivery=self.delivery,
            traceparent=self.traceparent,
            inputs=wish.inputs,
            lane=lane_of(
                subject.repository,
                automation.slug,
                settings.concurrency,
                pull=subject.pull_request,
                ref=subject.branch,
            ),
            policy=settings.concurrency.policy,
            attempt=wish.attempt,
            retry_of=wish.retry_of,
            timeout=definition.timeout_seconds,
            outputs=settings.outputs,
            accepted_at=now,
            deadline=now + definition.timeout_seconds + BACKSTOP + MARGIN,
        )

    async def _recent(self, run: Run) -> Recent:
        """How many there were lately, of those that run or of those that do not, as this one."""
        lists, since = self.bot.store.run_lists, self.bot.clock.now() - HOUR
        count = partial(lists.count_since, run.repository, since, is_noted=not run.lane)
        return Recent(
            of_user=await count(actor=run.actor),
            of_pull=0 if run.pull_request is None else await count(pull_request=run.pull_request),
            of_repository=await count(),
        )


def _turn(run: Run) -> str:
    """Of the runs of one repository one is accepted at a time: caps and lanes are within it."""
    return f"accepting {run.repository.casefold()}"
