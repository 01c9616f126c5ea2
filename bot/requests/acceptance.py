"""From somebody's wish for a run to the run: gates, lane, row. What is refused has made nothing."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from automation.authority import check_role
from automation.catalogue import Automation
from automation.definition import resolve_inputs
from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from automation.observation import Cause
from automation.reasons import Conclusion, Reason
from automation.run.start import BACKSTOP
from bot.authority import Recent, check_caps, check_fork
from bot.bot import Bot
from bot.runs.driver import Driver
from bot.runs.lanes import lane_of, to_replace
from bot.runs.run import End, Run, State

HOUR = 3600.0
MARGIN = 3600.0
"""Seconds for what comes before and after a run, turns in its lane among them."""
DAY = 24 * HOUR


@dataclass(frozen=True)
class Subject:
    """What a run is to be about.

    Attributes:
        sha: the commit, pinned.
        definition_sha: the commit that the definition is read from.
    """

    repository: str
    installation: int
    sha: str
    definition_sha: str
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    is_fork: bool = False


@dataclass(frozen=True)
class Wish:
    """Who wants a run, and how.

    Attributes:
        actor: login; role: in the repository; None where the event itself starts the run.
        request: that it comes from; one of them makes one run of an automation.
        event: what the run is told of, where that is not the request's.
    """

    actor: str
    cause: str
    event_name: str
    role: Role | None = None
    is_by_event: bool = False
    request: int | None = None
    comment_id: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)
    event: bytes | None = None
    attempt: int = 1
    retry_of: UUID | None = None


@dataclass(frozen=True)
class Acceptance:
    """Accepts runs for one bot."""

    bot: Bot
    driver: Driver

    async def accept(self, automation: Automation, subject: Subject, wish: Wish) -> Run:
        """The run, which is driven from now on.

        Raises:
            Refused: by role, cap, lane, or because the commit is a fork's.
            Misconfigured: an input that does not fit.
        """
        settings = automation.definition.settings
        if not wish.is_by_event:
            check_role(wish.actor, wish.role, settings)
        resolve_inputs(automation.definition, wish.inputs)
        approved = await self.is_approved(subject)
        check_fork(subject.sha, settings, is_fork=subject.is_fork, is_approved=approved)
        self.bot.agent_server(is_fork=subject.is_fork)
        run = self._run(automation, subject, wish)
        check_caps(await self._recent(run), self.bot.settings.caps)
        replaced = to_replace(run.policy, await self.bot.store.runs.in_lane(run.lane))
        if await self.bot.store.runs.add(run, request=wish.request, event=wish.event):
            for older in replaced:
                await self.driver.stop(older, f"the newer run {run.id}", Cause.SUPERSEDED)
            self.driver.poke(run.id)
        return run

    async def hold(self, automation: Automation, subject: Subject, wish: Wish, refusal: Refused) -> Run:
        """A run that waits for something that people have to do first: known, told, and not started.

        Only a declared trigger's shows as a check run: a comment's refusal must not colour a pull request.
        """
        now = time.time()
        sentence = refusal.sentence
        end = End(
            Conclusion.ACTION_REQUIRED,
            refusal.reason,
            sentence,
            title="Waits for the approval of this commit",
            summary=sentence,
        )
        state = State.CONCLUDING if wish.is_by_event else State.ENDED
        run = replace(
            self._run(automation, subject, wish),
            lane="",
            state=state,
            has_check=wish.is_by_event,
            end=end,
            ended_at=now,
        )
        if await self.bot.store.runs.add(run, request=wish.request, event=wish.event):
            self.driver.poke(run.id)
        return run

    async def fail(self, automation: Automation, subject: Subject, wish: Wish, error: Misconfigured) -> Run:
        """A run that a declared trigger asks for and that cannot be: its check run says why."""
        end = End(
            Conclusion.FAILURE,
            error.reason,
            error.sentence,
            title="Failure: the definition does not fit",
            summary=error.sentence,
        )
        run = replace(
            self._run(automation, subject, wish),
            lane="",
            state=State.CONCLUDING,
            end=end,
            ended_at=time.time(),
        )
        if await self.bot.store.runs.add(run, request=wish.request, event=wish.event):
            self.driver.poke(run.id)
        return run

    async def approve(self, repository: str, number: int, sha: str, by: str) -> None:
        """From now on this commit of a fork may run for this pull request, until somebody pushes."""
        await self._put_approvals(repository, number, await self._approvals(repository, number) | {sha: by})

    async def is_approved(self, subject: Subject) -> bool:
        if subject.pull_request is None:
            return False
        return subject.sha in await self._approvals(subject.repository, subject.pull_request)

    async def void_approvals(self, repository: str, number: int, head_sha: str) -> None:
        """The pull request's head is this commit now: what was approved before it has to be approved again."""
        approvals = await self._approvals(repository, number)
        if left := {sha: by for sha, by in approvals.items() if sha != head_sha}:
            kept = {sha: by for sha, by in approvals.items() if sha not in left}
            await self._put_approvals(repository, number, kept)

    async def _approvals(self, repository: str, number: int) -> dict[str, str]:
        """Who has approved which commits."""
        fact = await self.bot.store.facts.get(_approvals_of(repository, number))
        approvals: dict[str, str] = json.loads(fact) if fact else {}
        return approvals

    async def _put_approvals(self, repository: str, number: int, approvals: Mapping[str, str]) -> None:
        await self.bot.store.facts.put(_approvals_of(repository, number), json.dumps(dict(approvals)))

    async def held(self, repository: str, number: int, sha: str) -> list[Run]:
        """The newest run of each automation on this commit, where that waits for an approval."""
        newest: dict[str, Run] = {}
        for run in await self.bot.store.runs.of_pull(repository, number, 200):
            if run.head_sha == sha:
                newest.setdefault(run.automation, run)
        waiting = (run for run in newest.values() if run.end is not None)
        return [run for run in waiting if run.end and run.end.reason is Reason.FORK_NEEDS_APPROVAL]

    def _run(self, automation: Automation, subject: Subject, wish: Wish) -> Run:
        definition = automation.definition
        settings = definition.settings
        now = time.time()
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
            inputs=wish.inputs,
            lane=lane_of(
                subject.repository,
                automation.slug,
                settings.concurrency,
                pull=subject.pull_request,
                ref=subject.head_ref or subject.sha,
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
        count, since = self.bot.store.runs.count_since, time.time() - HOUR
        return Recent(
            of_user=await count(run.repository, since, actor=run.actor),
            of_pull=0
            if run.pull_request is None
            else await count(run.repository, since, pull_request=run.pull_request),
            of_repository=await count(run.repository, since),
        )


def _approvals_of(repository: str, number: int) -> str:
    return f"approvals {repository.casefold()}#{number}"


def again(run: Run, **changes: Any) -> Wish:
    """The wish for the same run once more."""
    wish = Wish(
        actor=run.actor,
        cause="retry",
        event_name=run.event_name,
        is_by_event=run.asks_role is None,
        inputs=run.inputs,
        attempt=run.attempt + 1,
        retry_of=run.id,
        comment_id=run.comment_id,
    )
    return replace(wish, **changes)
