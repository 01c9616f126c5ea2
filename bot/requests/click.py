"""A button of a check run, or GitHub's own Re-run: whoever has pressed it is authorised like a commenter.

Nothing that the event says of the run is believed: it is looked up by our own rows.
"""

from dataclasses import dataclass

from automation.authority import check_role
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from automation.reasons import Reason
from bot import replies
from bot.events.check_run import ActionRequested, CheckRerequested
from bot.events.check_suite import SuiteRerequested
from bot.requests.acceptance import Subject, again
from bot.requests.conversation import Conversation
from bot.requests.desk import Desk
from bot.runs.check import APPROVE, RETRY
from bot.runs.run import Run

SHOWN_RUNS = 200

type Click = CheckRerequested | SuiteRerequested | ActionRequested


@dataclass(frozen=True)
class Clicked:
    """One click."""

    desk: Desk
    click: Click
    request: int

    async def handle(self) -> str:
        """Do what the button says; what came of it, for the record.

        Raises:
            GitHubUnavailable: GitHub was not to be had; nothing is lost if it is called again.
        """
        if self.click.app_id != self.desk.bot.settings.app_id:
            return "another App's check"
        runs = await self._runs()
        if not runs:
            return "no run of ours"
        role = await self.desk.role(self._asker)
        notes = []
        for run in runs:
            try:
                notes.append(await self._do(run, role))
            except (Refused, Misconfigured) as error:
                await self._refuse(run, error)
                notes.append(f"refused: {error.reason}")
        return ", ".join(notes)

    async def _do(self, run: Run, role: Role | None) -> str:
        check_role(self._asker, role, GitHubKey(who=run.asks_role or Role.WRITE))
        is_approval = isinstance(self.click, ActionRequested) and self.click.identifier == APPROVE.identifier
        if isinstance(self.click, ActionRequested) and self.click.identifier not in {
            APPROVE.identifier,
            RETRY.identifier,
        }:
            return "no button of ours"
        if run.is_fork:
            await self._check_head(run)
        if is_approval:
            await self._approve(run, role)
        elif not run.is_over:
            return f"run {run.id} goes on"
        automation = await self.desk.automation(run.definition_sha, run.automation)
        wish = again(
            run,
            actor=self._asker,
            role=role,
            cause="approve" if is_approval else "retry",
            request=self.request,
        )
        started = await self.desk.acceptance.accept(automation, _same(run), wish)
        return f"run {started.id}"

    async def _approve(self, run: Run, role: Role | None) -> None:
        check_role(self._asker, role, GitHubKey(who=Role.WRITE))
        if run.pull_request is not None:
            await self.desk.acceptance.approve(run.repository, run.pull_request, run.head_sha, self._asker)

    async def _check_head(self, run: Run) -> None:
        """A fork's commit runs only while it is what the pull request shows.

        Raises:
            Refused: it has been pushed to.
        """
        if run.pull_request is None:
            return
        pull = await self.desk.pull(run.pull_request)
        if pull.head_sha != run.head_sha:
            raise Refused(
                f"the pull request is at {pull.head_sha}, which is not the commit of this check; look at what is new "
                "and approve that",
                reason=Reason.SHA_MOVED,
            )

    async def _runs(self) -> list[Run]:
        """The runs that are meant: the check run's, or of a suite the newest of each automation."""
        rows = self.desk.bot.store.runs
        if not isinstance(self.click, SuiteRerequested):
            run = await rows.find_by_check(self.desk.repository, self.click.check_id)
            return [run] if run else []
        newest: dict[str, Run] = {}
        for run in await rows.recent(SHOWN_RUNS, repository=self.desk.repository):
            if run.head_sha == self.click.head_sha and run.has_check:
                newest.setdefault(run.automation, run)
        return list(newest.values())

    async def _refuse(self, run: Run, error: Refused | Misconfigured) -> None:
        if run.pull_request is None:
            return
        talk = Conversation(self.desk.bot, self.desk.github, self.desk.repository, run.pull_request)
        key = f"refused/{self._asker.casefold()}/{error.reason}/{run.head_sha[:12]}"
        await talk.say(key, replies.refusal(self._asker, error))

    @property
    def _asker(self) -> str:
        return self.click.origin.sender.login


def _same(run: Run) -> Subject:
    """What the run was about."""
    return Subject(
        repository=run.repository,
        installation=run.installation,
        sha=run.head_sha,
        definition_sha=run.definition_sha,
        head_ref=run.head_ref,
        base_sha=run.base_sha,
        base_ref=run.base_ref,
        pull_request=run.pull_request,
        is_fork=run.is_fork,
    )
