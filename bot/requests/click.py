"""A button of a check run, or GitHub's own Re-run: whoever has pressed it is authorised like a commenter.

Nothing that the event says of the run is believed: it is looked up by our own rows.
"""

from dataclasses import dataclass, replace
from typing import Final

from automation.authority import check_role
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from bot import replies
from bot.authority import check_head
from bot.events.check_run import ActionRequested, CheckRerequested
from bot.events.check_suite import SuiteRerequested
from bot.requests.conversation import Conversation
from bot.requests.desk import Desk
from bot.requests.repeat import Repeating
from bot.requests.wish import Subject
from bot.runs.check import APPROVE, RETRY
from bot.runs.run import APPROVED, RETRIED, Run, newest_by_automation

CAUSES: Final = {APPROVE.identifier: APPROVED, RETRY.identifier: RETRIED}

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
            GitHubUnavailable, NoRoom: GitHub or room was not to be had; nothing is lost if it is called again.
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
        cause = CAUSES.get(self.click.identifier) if isinstance(self.click, ActionRequested) else RETRIED
        if cause is None:
            return "no button of ours"
        if not run.is_over:
            return f"run {run.id} goes on"
        subject = await self._subject(run)
        if cause == APPROVED:
            check_role(self._asker, role, GitHubKey(who=Role.WRITE))
            await self.desk.acceptance.approvals.give(subject, self._asker)
        started = await Repeating(self.desk, self._asker, role, self.request).repeat(run, subject, cause)
        return f"run {started.id}"

    async def _subject(self, run: Run) -> Subject:
        """What the run was about, with the definition that holds for it now.

        Raises:
            Refused: the pull request is closed; or it is a fork's and has been pushed to, for a fork's commit runs
                only while it is what the pull request shows.
        """
        if run.pull_request is None:
            branch = run.base_ref or self.click.origin.default_branch
            return _same(run, self.desk.installation, await self.desk.commit(branch))
        pull = await self.desk.open_pull(run.pull_request)
        if run.is_fork:
            check_head(run.head_sha, pull.head_sha, "which is not the commit of this check")
        subject = self.desk.subject(pull, await self.desk.commit(pull.base_ref))
        return replace(subject, sha=run.head_sha)

    async def _runs(self) -> list[Run]:
        """The runs that are meant: the check run's, or of a suite the newest of each automation."""
        rows = self.desk.bot.store.runs
        if not isinstance(self.click, SuiteRerequested):
            run = await rows.find_by_check(self.desk.repository, self.click.check_id)
            return [run] if run else []
        found = await rows.of_commit(self.desk.repository, self.click.head_sha)
        return list(newest_by_automation(run for run in found if run.has_check).values())

    async def _refuse(self, run: Run, error: Refused | Misconfigured) -> None:
        if run.pull_request is None:
            return
        talk = Conversation(self.desk.bot, self.desk.github, self.desk.repository, run.pull_request)
        key = f"refused/{self._asker.casefold()}/{error.reason}/{run.head_sha[:12]}"
        await talk.say(key, replies.refusal(self._asker, error))

    @property
    def _asker(self) -> str:
        return self.click.origin.sender.login


def _same(run: Run, installation: int, definition_sha: str) -> Subject:
    return Subject(
        repository=run.repository,
        installation=installation,
        sha=run.head_sha,
        definition_sha=definition_sha,
        head_ref=run.head_ref,
        base_sha=run.base_sha,
        base_ref=run.base_ref,
        is_fork=run.is_fork,
    )
