"""`mode: watchdog`: settles check runs of the Action whose workflow run is over or whose deadline has passed.

Candidates are found on the commits of recent workflow runs and open pull requests, a bounded number a pass.
An `external_id` can be written by anybody who may write checks, so it is used to look up and for nothing
else: the server is the one in this step's inputs, and a run is stopped or removed only if the mark that it
carries on the server's disk names this repository and this very `external_id`. Whose mark is another's is
none of ours, and its check run is completed as lost. The same mark stands in the sandbox of a run that has one. A check
run that says that its run is on a server which is not given here is left to whoever has it, until its deadline.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from automation.action.due import Due, began, chosen, due, heads_of, out_of_reach, without_server
from automation.action.job_log import JobLog
from automation.action.left_sandboxes import LeftSandboxes
from automation.action.owner import owner_mark
from automation.action.surroundings import Surroundings
from automation.action.whereabouts import fingerprint, place_in
from automation.agent_server import AgentServer
from automation.backends import BackendName
from automation.backends.sandbox_connection import connection_of
from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured, ServerUnavailable
from automation.external_id import ExternalId, Face
from automation.github.answers import understood
from automation.github.check_run import CheckRun
from automation.github.checks import JOB_APP, Checks
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses
from automation.observation import Cause, Process
from automation.outcome import Outcome, outcome_of
from automation.reasons import Conclusion
from automation.report import Report, write_report
from automation.run.aftermath import Aftermath, read_aftermath
from automation.run.commands import Look
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.stop import look, release, stop
from automation.sentences import one_line

RECENT_RUNS = 100
OPEN_PULL_REQUESTS = 100
MARK_LIMIT = 1024
CHECK_WITHIN = 180.0
UNTOLD_STAYS = 24 * 3600.0
"""Seconds after its deadline for which a sandbox stays whose verdict nobody has been told."""
LONGEST_NUMBER = 18
BY = "the watchdog, because its workflow run was over"


@dataclass
class Watchdog:
    """One pass over the repository."""

    at: Surroundings
    log: JobLog
    _workflow_runs: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    _untold: set[ExternalId] = field(default_factory=set)
    _has_seen_all: bool = False
    _sandboxes: LeftSandboxes = field(init=False)

    def __post_init__(self) -> None:
        self._sandboxes = LeftSandboxes(self.at, self.log)

    async def watch(self) -> int:
        """Settle what is due; returns how many check runs that were.

        One commit or check run that cannot be dealt with is noted, and the pass goes on.

        Raises:
            Misconfigured: no token.
            GitHubUnavailable: the lists could not be read.
        """
        github = self.at.writer()
        if github is None:
            raise Misconfigured("the watchdog reads and writes check runs: give `github-token`")
        await github.token()  # only then is it known which App we are
        await self._sandboxes.look()
        likely = await self._commits(github)
        commits = chosen(likely, github.clock.now())
        self._has_seen_all = self._completed is None and len(commits) == len(likely)
        settled = 0
        for sha in commits:
            try:
                settled += await self._watch_commit(github, sha)
            except AutomationError as error:
                self._has_seen_all = False
                self.log.note(f"{sha}: {self.at.redactor.text(error.sentence)}")
        await self._sandboxes.reap(partial(self._may_go, github))
        self.log.say(f"looked at {len(commits)} commits, settled {settled} check runs")
        return settled

    async def _watch_commit(self, github: GitHub, sha: str) -> int:
        settled = 0
        for check, keys in await self._pending(github, sha):
            self._untold.add(keys)
            try:
                async with asyncio.timeout(CHECK_WITHIN):
                    if await self._is_over(github, keys) and await self._settle(github, check, keys):
                        settled += 1
                        self._untold.discard(keys)
            except AutomationError as error:
                self.log.note(f"{check.url}: {self.at.redactor.text(error.sentence)}")
            except TimeoutError:
                self.log.note(f"{check.url}: left for another pass, after {CHECK_WITHIN:g} s")
            except Exception as error:  # noqa: BLE001  # the outermost: what a run has left may be hostile
                what = one_line(f"{type(error).__name__}: {error}", 200)
                self.log.note(f"{check.url}: a defect of automation-action: {self.at.redactor.text(what)}")
        return settled

    async def _commits(self, github: GitHub) -> list[str]:
        """Where check runs of ours may be, the likeliest first, each once.

        A workflow run that has just been completed is looked at by itself: that is cheap, and a schedule
        comes round to the rest.
        """
        if self._completed is not None:
            return heads_of([self._completed])
        runs = github.pages("/actions/runs", "workflow_runs", limit=RECENT_RUNS)
        pulls = github.pages(
            "/pulls", None, limit=OPEN_PULL_REQUESTS, state="open", sort="updated", direction="desc"
        )
        of_runs = heads_of([run async for run in runs])
        with understood("a list of pull requests"):
            of_pulls = [str(pull["head"]["sha"]) async for pull in pulls]
        pairs = itertools.zip_longest(of_pulls, of_runs)
        return list(dict.fromkeys(sha for pair in pairs for sha in pair if sha))

    @property
    def _completed(self) -> dict[str, Any] | None:
        """The workflow run whose end has started this pass, if one has."""
        completed = self.at.context.event.get("workflow_run")
        return completed if isinstance(completed, dict) else None

    async def _pending(self, github: GitHub, sha: str) -> list[tuple[CheckRun, ExternalId]]:
        checks = await Checks(github, self.at.app_id).on(sha, status="in_progress")
        found = [(check, check.keys) for check in checks if self._is_ours(check)]
        return [(check, keys) for check, keys in found if keys is not None and keys.face is Face.ACTION]

    def _is_ours(self, check: CheckRun) -> bool:
        """Only the App that made a check run may change it."""
        return check.app_id == self.at.app_id if self.at.app_id else check.app_slug == JOB_APP

    async def _is_over(self, github: GitHub, keys: ExternalId) -> bool:
        run = await self._workflow_run(github, keys)
        return due(keys, run.get("status") if run else None, github.clock.now()) is Due.SETTLE

    async def _may_go(self, github: GitHub, keys: ExternalId) -> bool:
        """Whether nobody needs the sandbox of this run: its verdict has been told, or should have been long ago."""
        now = github.clock.now()
        if now > keys.deadline + UNTOLD_STAYS:
            return True
        if keys in self._untold or not await self._is_over(github, keys):
            return False
        run = await self._workflow_run(github, keys)
        for sha in heads_of([run] if run else []):
            told = [check for check in await Checks(github, self.at.app_id).on(sha) if check.keys == keys]
            if told:
                return all(check.is_completed for check in told)
        # It has none, or on another commit than its workflow run's, as where a comment has started it.
        return now > keys.deadline and self._has_seen_all

    async def _workflow_run(self, github: GitHub, keys: ExternalId) -> dict[str, Any] | None:
        if not keys.instance.isdecimal() or len(keys.instance) > LONGEST_NUMBER:
            return None
        if keys.instance not in self._workflow_runs:
            try:
                answer = await github.get(f"/actions/runs/{keys.instance}")
            except GitHubRefuses as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                answer = None
            self._workflow_runs[keys.instance] = answer if isinstance(answer, dict) else None
        return self._workflow_runs[keys.instance]

    async def _settle(self, github: GitHub, check: CheckRun, keys: ExternalId) -> bool:
        if await self._settle_like_its_twin(github, check):
            return True
        found, outcome = await self._outcome(github, check, keys)
        if outcome is None:
            self.log.say(f"{check.url}: its run is not known to have ended; left for another pass")
            return False
        report = write_report(check.name, outcome, url=self._url(keys)).redacted(self.at.redactor)
        annotations = outcome.verdict.result.annotations if outcome.verdict.result else ()
        done = await Checks(github, check.app_id).conclude(
            check.id, outcome.verdict.conclusion, report, annotations
        )
        verdict = outcome.verdict
        if done.is_ours:
            self.log.say(f"{check.url}: {verdict.conclusion}: {verdict.sentence} [{verdict.reason}]")
        if self._sandboxes.of(keys):
            await self._sandboxes.give_back(keys)
        elif found and not outcome.is_lost:
            # Only now: until it is told, the server's record is all that there is.
            async with AgentServer(found) as server:
                await release(server, keys.run, None)
        return done.is_ours

    async def _outcome(
        self, github: GitHub, check: CheckRun, keys: ExternalId
    ) -> tuple[AgentConnection | None, Outcome | None]:
        """The server that has the run, if one has, and how the run ended; None while it may not have.

        Raises:
            ServerUnavailable: it cannot be told before the deadline.
        """
        found, run, why = None, None, "its processes did not end"
        try:
            run = await self._workflow_run(github, keys)
            found = await self._find(check, keys, run)
            left = await self._end(found, keys) if found else without_server(run)
            if left is not None:
                return found, self._judged(keys, left)
        except Exception as error:
            # Unreachable, or what the run has left there cannot be read: past the deadline that is the end of it.
            if github.clock.now() < keys.deadline:
                raise
            defect = one_line(f"{type(error).__name__}: {error}")
            why = error.sentence if isinstance(error, AutomationError) else defect
        if github.clock.now() < keys.deadline:
            return found, None
        return found, self._judged(keys, out_of_reach(run, why))

    def _judged(self, keys: ExternalId, left: Aftermath) -> Outcome:
        return outcome_of(str(keys.run), left.seen, left.output, self.at.redactor)

    async def _settle_like_its_twin(self, github: GitHub, check: CheckRun) -> bool:
        """A second check run of one run, made after a lost answer: it ends as the first one did."""
        checks = Checks(github, check.app_id)
        ended = [
            each for each in await checks.on(check.head_sha, status="completed") if each.keys == check.keys
        ]
        if not ended or ended[0].conclusion not in set(Conclusion):
            return False
        text = f"This run's other check run is [{ended[0].id}]({ended[0].url})."
        report = Report(title="Reported by its other check run", summary=text, text="")
        done = await checks.conclude(check.id, Conclusion(ended[0].conclusion), report)
        return done.is_ours

    async def _find(
        self, check: CheckRun, keys: ExternalId, run: dict[str, Any] | None
    ) -> AgentConnection | None:
        """The server that has this run, marked as the one of this very check run.

        Raises:
            ServerUnavailable: it may be where this watchdog does not look, or cannot look now.
        """
        connections = self._connections()
        for connection in connections:
            async with AgentServer(connection) as server:
                if await self._is_there(server, keys):
                    return connection
        if sandbox := self._sandboxes.of(keys):
            return connection_of(sandbox, self.at.cloud_account())
        if self._sandboxes.may_hide(began(run)):
            raise ServerUnavailable("its sandbox may be one that cannot be looked into now")
        places = {fingerprint(BackendName.AGENT_SERVER, each.url) for each in connections}
        if place_in(check.summary) not in {"", *places, *self._sandboxes.places}:
            raise ServerUnavailable("it runs on another server or Cloud than this watchdog is given")
        return None

    async def _end(self, connection: AgentConnection, keys: ExternalId) -> Aftermath | None:
        """What is left of the run, which is ended if it still lives; None if that did not work."""
        patience = Patience(FIRST_CONTACT)
        async with AgentServer(connection) as server:
            now = await patience.bear(lambda: look(server, keys.run, None))
            is_stopped = _may_go_on(now)
            if is_stopped:
                now = await patience.bear(lambda: stop(server, keys.run, None, Cause.CANCELLED))
            if _may_go_on(now):
                return None
            left = await patience.bear(lambda: read_aftermath(server, now, self.at.redactor))
            return left.stopped_by(BY) if is_stopped else left

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

    def _url(self, keys: ExternalId) -> str:
        return f"{self.at.context.server_url}/{self.at.context.repository}/actions/runs/{keys.instance}"


def _may_go_on(now: Look) -> bool:
    """A run may be about to start, and it can write into its claim; its processes it cannot deny."""
    return now.process in {Process.ALIVE, Process.UNKNOWN} or now.processes > 0
