"""A command in a comment: read, judged, carried out, answered.

Whoever has no business here gets one reply, and nothing else: no check run, no run.
"""

import hashlib
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from automation.authority import check_role
from automation.catalogue import Automation, Found, list_automations
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from automation.github.pull_request import PullRequest
from automation.reasons import Reason
from bot import replies
from bot.authority import check_head
from bot.commands import Command, Mistake, Verb, read_command
from bot.events.issue_comment import CommentCreated
from bot.github.comments import Reaction
from bot.requests.cancel import Cancelling
from bot.requests.conversation import Conversation
from bot.requests.desk import Desk
from bot.requests.repeat import Repeating
from bot.requests.wish import Subject, Wish
from bot.runs.run import APPROVED, RETRIED, Run, State, newest_by_automation
from bot.runs.schedule import placed

EVENT = "issue_comment"
SHOWN_RUNS = 50


@dataclass(frozen=True)
class Commanded:
    """One comment that holds a command.

    Attributes:
        request: the row that it came with.
    """

    desk: Desk
    comment: CommentCreated
    request: int

    async def handle(self) -> str:
        """Do what it says; what came of it, for the record.

        Raises:
            GitHubUnavailable, NoRoom: GitHub or room was not to be had; nothing is lost if it is called again.
        """
        command = read_command(self.comment.body)
        if command is None:
            return "no command"
        self._talk.react(Reaction.EYES)
        try:
            return await self._obey(command)
        except Refused as error:
            return await self._refuse(error)
        except Misconfigured as error:
            return await self._say(replies.refusal(self._asker, error), error.sentence)

    async def _obey(self, command: Command | Mistake) -> str:
        if isinstance(command, Mistake):
            return await self._say(replies.mistake(self._asker, command), command.sentence)
        pull = await self.desk.open_pull(self.comment.number)
        role = await self.desk.role(self._asker)
        match command.verb:
            case Verb.RUN:
                return await self._run(command, pull, role)
            case Verb.APPROVE:
                return await self._approve(command, pull, role)
            case Verb.RETRY:
                return await self._retry(command, pull, role)
            case Verb.CANCEL:
                return await self._cancel(command, pull, role)
            case Verb.HELP | Verb.LIST:
                found = await self._catalogue(await self.desk.commit(pull.base_ref))
                body = replies.help(found) if command.verb is Verb.HELP else replies.listing(found)
                return await self._say(body, command.verb, kind=command.verb)
            case Verb.STATUS | Verb.WHY:
                runs = await self._runs(pull, command.name)
                said = replies.status if command.verb is Verb.STATUS else replies.why
                page_url = self.desk.bot.page_url
                return await self._say(
                    said(runs, self.desk.bot.clock.now(), page_url), command.verb, kind=command.verb
                )
            case _:
                assert_never(command.verb)

    async def _run(self, command: Command, pull: PullRequest, role: Role | None) -> str:
        if command.sha:
            differs = f"not at {command.sha}, which was asked for"
            check_head(command.sha, pull.head_sha, differs, then="ask again")
        definition_sha = await self.desk.commit(pull.base_ref)
        found = await self._catalogue(definition_sha)
        if not command.name and len(found) != 1:
            return await self._say(replies.which(self._asker, found), "which one?")
        name = command.name or found[0].slug
        if name.casefold() not in {known for each in found for known in _names(each)}:
            slugs = [each.slug for each in found]
            return await self._say(replies.unknown_automation(self._asker, name, slugs), "unknown name")
        automation = await self.desk.automation(definition_sha, name)
        return await self._start(automation, self.desk.subject(pull, definition_sha), command, role)

    async def _start(
        self, automation: Automation, subject: Subject, command: Command, role: Role | None
    ) -> str:
        """A run of it, or one that waits for an approval."""
        if subject.is_fork and command.sha and role is not None and role >= Role.WRITE:
            # Who may approve and names the whole commit has looked at it.
            await self.desk.acceptance.approvals.give(subject, self._asker)
        wish = Wish(
            actor=self._asker,
            cause=f"{EVENT}.created",
            event_name=EVENT,
            role=role,
            request=self.request,
            comment_id=self.comment.comment_id,
            inputs=command.arguments,
        )
        try:
            run = await self.desk.acceptance.accept(automation, subject, wish)
        except Refused as error:
            if error.reason is not Reason.FORK_NEEDS_APPROVAL:
                raise
            await self.desk.acceptance.hold(automation, subject, wish, error)
            body = replies.approval_needed(self._asker, automation.slug, subject.sha)
            return await self._refuse(error, body)
        return f"run {run.id}"

    async def _approve(self, command: Command, pull: PullRequest, role: Role | None) -> str:
        check_role(self._asker, role, GitHubKey(who=Role.WRITE))
        check_head(command.sha, pull.head_sha, "which is not the commit that you approve")
        subject = self.desk.subject(pull, await self.desk.commit(pull.base_ref))
        await self.desk.acceptance.approvals.give(subject, self._asker)
        made = await self._made()
        held = await self.desk.acceptance.held(self.desk.repository, pull.number, command.sha, but=made)
        started, left = await self._repeat(held, subject, role, APPROVED)
        note = f"approved, {len(started)} runs{_and_left(left)}"
        return await self._say(replies.approved(command.sha, started, left), note)

    async def _retry(self, command: Command, pull: PullRequest, role: Role | None) -> str:
        made = await self._made()
        runs = await self._runs(pull, command.name)
        newest = newest_by_automation(run for run in runs if run.id not in made).values()
        failed = [run for run in newest if run.end and not run.is_success and run.has_check]
        if command.name and not failed:
            failed = [run for run in newest if run.end and run.has_check]
        if not failed:
            return await self._say(replies.nothing_to_retry(self._asker, command.name), "nothing to retry")
        subject = self.desk.subject(pull, await self.desk.commit(pull.base_ref))
        started, left = await self._repeat(failed, subject, role, RETRIED)
        if len(failed) == len(left) == 1:
            raise left[failed[0].automation]
        body, note = replies.retried(self._asker, started, left), f"retried {len(started)}{_and_left(left)}"
        if started and left:
            await self._say(body, note)
        elif left:
            await self._turn_down("several", "\n".join(each.sentence for each in left.values()), body)
        return note

    async def _repeat(
        self, runs: Sequence[Run], subject: Subject, role: Role | None, cause: str
    ) -> tuple[list[Run], dict[str, Refused | Misconfigured]]:
        """What was started, and by automation why others were not: one that may not run holds up no other.

        Raises:
            GitHubUnavailable: all of it is to be tried again; what was started is found again then.
        """
        repeating = Repeating(self.desk, self._asker, role, self.request, self.comment.comment_id)
        started, left = list[Run](), dict[str, Refused | Misconfigured]()
        for run in runs:
            try:
                started.append(await repeating.repeat(run, subject, cause))
            except (Refused, Misconfigured) as error:
                left[run.automation] = error
        return started, left

    async def _made(self) -> set[UUID]:
        """What this comment has come to already, if it is dealt with again: that is not what it was about."""
        made = await self.desk.bot.store.runs.made_by(self.request, self.comment.comment_id)
        return {run.id for run in made}

    async def _cancel(self, command: Command, pull: PullRequest, role: Role | None) -> str:
        # One that was asked for later, as by a button while this is tried again, is not meant.
        rows = self.desk.bot.store.runs
        found = await rows.under_way_at(self.request, self.desk.repository, pull.number)
        name = "" if command.name == "all" else command.name
        runs = [run for run in found if _is_meant(run, name)]
        said = await Cancelling(self.desk, self._asker, role, self.request).cancel(runs, command.name)
        return await self._say(*said) if said else "dealt with already"

    async def _catalogue(self, definition_sha: str) -> list[Found]:
        async with self.desk.bot.definitions.at(self.desk.contents, definition_sha) as root:
            return list_automations(root)

    async def _runs(self, pull: PullRequest, name: str) -> list[Run]:
        """The pull request's last ones, newest first: all, an automation's, or the one of this id."""
        rows = self.desk.bot.store.runs
        pending = await rows.unfinished()
        found = await rows.of_pull(self.desk.repository, pull.number, SHOWN_RUNS)
        runs = [placed(run, pending) if run.state is State.QUEUED else run for run in found]
        return [run for run in runs if _is_meant(run, name)]

    async def _refuse(self, error: Refused, body: str = "") -> str:
        """Say which rule it is and the way out."""
        await self._turn_down(error.reason, error.sentence, body or replies.refusal(self._asker, error))
        return f"refused: {error.reason}"

    async def _turn_down(self, reason: str, sentence: str, body: str) -> None:
        """Say that nothing was started: once for each person and what there is to say."""
        said = hashlib.sha256(sentence.encode()).hexdigest()[:12]
        await self._talk.say(f"refused/{self._asker.casefold()}/{reason}/{said}", body)
        self._talk.react(Reaction.CONFUSED)

    async def _say(self, body: str, note: str, *, kind: str = "") -> str:
        await self._talk.say(f"reply/{self.comment.comment_id}", body, kind=kind)
        return note

    @property
    def _asker(self) -> str:
        return self.comment.author.login

    @property
    def _talk(self) -> Conversation:
        return Conversation(
            self.desk.bot,
            self.desk.github,
            self.desk.repository,
            self.comment.number,
            self.comment.comment_id,
        )


def _names(found: Found) -> set[str]:
    """What an automation is called in comments, in small letters."""
    definition = found.reading.definition
    return {found.slug.casefold()} | ({definition.name.casefold()} if definition else set())


def _is_meant(run: Run, name: str) -> bool:
    """Whether it is of the automation of this name, or has this id; without a name every run is meant."""
    meant = name.casefold()
    return not meant or meant in {run.automation.casefold(), run.name.casefold(), str(run.id)}


def _and_left(left: Sized) -> str:
    return f", {len(left)} refused" if left else ""
