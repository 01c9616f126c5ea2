"""`mode: watchdog`: settles check runs of the Action whose workflow run is over or whose deadline has passed.

Candidates are found on the commits of recent workflow runs and open pull requests, a bounded number a pass.
An `external_id` can be written by anybody who may write checks, so it is used to look up and for nothing
else: the server is the one in this step's inputs, and a run is stopped or removed only if the mark that it
carries on the server's disk names this repository and this very `external_id`. Whose mark is another's is
none of ours, and its check run is completed as lost.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from automation.action.job_log import JobLog
from automation.action.owner import owner_mark
from automation.action.surroundings import Surroundings
from automation.agent_server import AgentServer
from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured
from automation.github.checks import JOB_APP, CheckRun, Checks
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.external_id import ExternalId, Face
from automation.observation import Cause, Observation, Process
from automation.outcome import outcome_of
from automation.report import write_report
from automation.run.aftermath import Aftermath, read_aftermath
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.stop import look, release, stop

MAX_COMMITS = 60
RECENT_RUNS = 100
OPEN_PULL_REQUESTS = 100
NOT_FOUND = 404
MARK_LIMIT = 1024
BY = "the watchdog, because its workflow run was over"


class Due(StrEnum):
    """What is to be done about a pending check run."""

    LEAVE = "leave"
    SETTLE = "settle"


def due(keys: ExternalId, workflow_run: str | None, now: float) -> Due:
    """Whether a pending check run is to be settled.

    Args:
        workflow_run: status of the workflow run that it belongs to; None if GitHub has no such run.
        now: Unix time in seconds.
    """
    if workflow_run is None or workflow_run == "completed" or now > keys.deadline:
        return Due.SETTLE
    return Due.LEAVE


@dataclass
class Watchdog:
    """One pass over the repository."""

    at: Surroundings
    log: JobLog

    async def watch(self) -> int:
        """Settle what is due; returns how many check runs that were.

        Raises:
            Misconfigured: no token.
            GitHubUnavailable: GitHub could not be read.
        """
        github = self.at.writer()
        if github is None:
            raise Misconfigured("the watchdog reads and writes check runs: give `github-token`")
        await github.token()  # only then is it known which App we are
        settled = looked = 0
        async for sha in self._commits(github):
            looked += 1
            async for check, keys in self._pending(github, sha):
                run = await self._workflow_run(github, keys)
                if due(keys, run.get("status") if run else None, time.time()) is Due.LEAVE:
                    continue
                settled += await self._settle(github, check, keys, run)
        self.log.say(f"looked at {looked} commits, settled {settled} check runs")
        return settled

    async def _commits(self, github: GitHub) -> AsyncIterator[str]:
        """Where check runs of ours may be, newest first, each once."""
        seen: dict[str, None] = {}
        event = self.at.context.event.get("workflow_run")
        if isinstance(event, dict) and isinstance(event.get("head_sha"), str):
            seen[event["head_sha"]] = None
        async for run in github.pages("/actions/runs", "workflow_runs", limit=RECENT_RUNS):
            seen[str(run["head_sha"])] = None
            for pull in run.get("pull_requests") or ():
                seen[str(pull["head"]["sha"])] = None
        pulls = github.pages(
            "/pulls", None, limit=OPEN_PULL_REQUESTS, state="open", sort="updated", direction="desc"
        )
        async for pull in pulls:
            seen[str(pull["head"]["sha"])] = None
        for sha in list(seen)[:MAX_COMMITS]:
            yield sha
        if len(seen) > MAX_COMMITS:
            self.log.note(f"{len(seen) - MAX_COMMITS} older commits are left for another pass")

    async def _pending(self, github: GitHub, sha: str) -> AsyncIterator[tuple[CheckRun, ExternalId]]:
        for check in await Checks(github, self.at.app_id).on(sha, status="in_progress"):
            keys = check.keys
            if keys is not None and keys.face is Face.ACTION and self._is_ours(check):
                yield check, keys

    def _is_ours(self, check: CheckRun) -> bool:
        """Only the App that made a check run may change it."""
        return check.app_id == self.at.app_id if self.at.app_id else check.app_slug == JOB_APP

    async def _workflow_run(self, github: GitHub, keys: ExternalId) -> dict[str, Any] | None:
        if not keys.instance.isdecimal():
            return None
        try:
            answer = await github.get(f"/actions/runs/{keys.instance}")
        except GitHubRefuses as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return dict(answer)

    async def _settle(
        self, github: GitHub, check: CheckRun, keys: ExternalId, run: dict[str, Any] | None
    ) -> bool:
        left = await self._aftermath(keys, run)
        if left is None:
            self.log.say(f"{check.url}: its run is still going on; left for another pass")
            return False
        outcome = outcome_of(str(keys.run), left.seen, left.output, self.at.redactor)
        report = self.at.clean(write_report(check.name, outcome, url=self._url(keys)))
        annotations = outcome.verdict.result.annotations if outcome.verdict.result else ()
        try:
            done = await Checks(github, check.app_id).conclude(
                check.id, outcome.verdict.conclusion, report, annotations
            )
        except GitHubUnavailable as error:
            self.log.note(f"{check.url}: {self.at.redactor.text(error.sentence)}")
            return False
        if done.is_ours:
            verdict = outcome.verdict
            self.log.say(f"{check.url}: {verdict.conclusion}: {verdict.sentence} [{verdict.reason}]")
        return done.is_ours

    async def _aftermath(self, keys: ExternalId, run: dict[str, Any] | None) -> Aftermath | None:
        """What is left of the run, ended if it is ours and still alive; None to look again in another pass."""
        try:
            for connection in self._connections():
                async with AgentServer(connection) as server:
                    if await self._is_there(server, keys):
                        return await self._end(server, keys)
        except AutomationError as error:
            sentence = self.at.redactor.text(error.sentence)
            self.log.note(sentence)
            return Aftermath.nothing(Observation(lost=sentence)) if time.time() > keys.deadline else None
        return _without_server(run)

    def _connections(self) -> list[AgentConnection]:
        """Where runs of ours can be: the servers of this step's inputs and settings, and no other."""
        given = bool(self.at.inputs.agent_server_url or self.at.settings.agent_server_url)
        found = [self.at.connection()] if given else []
        return found + ([self.at.connection(is_fork=True)] if self.at.settings.fork_agent_server_url else [])

    async def _is_there(self, server: AgentServer, keys: ExternalId) -> bool:
        """Whether the server has this run, and it is the one of this very check run."""
        patience = Patience(FIRST_CONTACT)
        now = await patience.bear(lambda: look(server, keys.run, None))
        if not now.exists:
            return False
        mark = await patience.bear(lambda: server.read_file(f"{now.directory}/owner", limit=MARK_LIMIT))
        return mark == owner_mark(self.at.context, keys).encode()

    async def _end(self, server: AgentServer, keys: ExternalId) -> Aftermath | None:
        patience = Patience(FIRST_CONTACT)
        now = await patience.bear(lambda: look(server, keys.run, None))
        is_alive = now.process is Process.ALIVE
        if is_alive:
            now = await patience.bear(lambda: stop(server, keys.run, None, Cause.CANCELLED))
        if now.process is Process.ALIVE:
            return None
        left = await patience.bear(lambda: read_aftermath(server, now, self.at.redactor))
        await release(server, keys.run, None)
        return left.stopped_by(BY) if is_alive else left

    def _url(self, keys: ExternalId) -> str:
        return f"{self.at.context.server_url}/{self.at.context.repository}/actions/runs/{keys.instance}"


def _without_server(run: dict[str, Any] | None) -> Aftermath:
    """What can be said of a run that no server knows as ours."""
    was_cancelled = run is not None and run.get("conclusion") == "cancelled"
    by = "the cancellation of its workflow run" if was_cancelled else ""
    return Aftermath.nothing(Observation(process=Process.GONE, stopped_by=by))
