"""An event that automations may have declared to start on: a run for each whose trigger matches.

The declarations of a commit are read once and remembered, and so is, for a minute, where a branch was: an event that
none of them waits for costs no call then.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from automation.catalogue import list_automations
from automation.definition.trigger import EventTrigger
from automation.errors import Misconfigured, Refused
from automation.github.pull_request import PullRequest
from automation.reasons import Reason
from automation.sentences import one_line
from bot.authority import NotNow
from bot.events import EventTarget
from bot.events.fields import at, branch_name, text
from bot.requests.desk import SHA, Desk
from bot.requests.wish import Subject, Wish
from bot.triggers import matches, problems

WAITS: Final = frozenset({Reason.FORK_NEEDS_APPROVAL, Reason.FORK_NEEDS_ISOLATION})
NOTHING: Final = "no trigger matches"
LOOKED_AT = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Triggering:
    """One event.

    Attributes:
        name: `X-GitHub-Event`; key: with its action, as triggers name it.
    """

    desk: Desk
    name: str
    key: str
    payload: Mapping[str, Any]
    target: EventTarget
    actor: str
    request: int

    async def handle(self) -> str:
        """Start what the event starts; what came of it, for the record.

        Raises:
            GitHubUnavailable, NoRoom: GitHub or room was not to be had; nothing is lost if it is called again.
        """
        if self.target.is_fork and self.target.pull_request is None:
            return "a fork's, and on no pull request, where it could be approved"
        if branch := branch_name(at(self.payload, "ref")) if self.name == "push" else "":
            self.desk.bot.branches.pushed(self.desk.repository, branch)
        if not await self._may_match():
            return NOTHING
        target = await self._whole()
        if target is None:
            return "nothing to run on"
        definition_sha = await self.desk.commit(target.definition_ref)
        directories = self._matching(await self._triggers(definition_sha))
        overtaken = await self._overtaken(target) if directories else frozenset[str]()
        notes = [
            await self._start(directory, target, definition_sha, overtaken=overtaken)
            for directory in directories
        ]
        return ", ".join(notes) or NOTHING

    async def _whole(self) -> EventTarget | None:
        """The target with its commit, read from the API where the event does not say it."""
        target = self.target
        if target.sha:
            return target
        if target.pull_request is None:
            is_tag = (
                self.name == "release" and text(at(self.payload, "release", "tag_name")) == target.head_ref
            )
            find = self.desk.tagged if is_tag else self.desk.commit
            return replace(target, sha=await find(target.head_ref))
        pull = await self.desk.pull(target.pull_request)
        if not pull.is_open:
            return None
        return replace(
            target,
            sha=pull.head_sha,
            head_ref=pull.head_ref,
            head_repository=pull.head_repository,
            base_sha=pull.base_sha,
            base_ref=pull.base_ref,
            definition_ref=pull.base_ref,
            is_fork=pull.is_from_fork,
        )

    async def _may_match(self) -> bool:
        """No, if what the branch had a moment ago is known to have no trigger for this."""
        reference = self.target.definition_ref
        sha = (
            reference
            if SHA.fullmatch(reference)
            else self.desk.bot.branches.last(self.desk.repository, reference)
        )
        known = await self._known(sha) if sha else None
        return known is None or bool(self._matching(known))

    async def _known(self, definition_sha: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self.desk.bot.store.definitions.get(
            self.desk.repository, definition_sha, self.desk.bot.clock.now()
        )
        return found

    async def _triggers(self, definition_sha: str) -> dict[str, Any]:
        """The triggers of the commit's automations that are switched on, by directory."""
        found = await self._known(definition_sha)
        if found is None:
            found = await self._read(definition_sha)
            await self.desk.bot.store.definitions.keep(
                self.desk.repository, definition_sha, found, self.desk.bot.clock.now()
            )
        return found

    async def _read(self, definition_sha: str) -> dict[str, Any]:
        async with self.desk.bot.definitions.at(self.desk.contents, definition_sha) as root:
            automations = list_automations(root)
        found = {}
        for each in automations:
            definition = each.reading.definition
            if definition is None:
                self._warn(definition_sha, str(each.reading.problems[0]))
            elif definition.enabled and isinstance(definition.trigger, EventTrigger):
                for problem in problems(definition.trigger):
                    self._warn(definition_sha, f"{each.definition_file}: {problem}")
                found[each.definition_file.parent.as_posix()] = definition.trigger.model_dump(mode="json")
        return found

    def _warn(self, definition_sha: str, sentence: str) -> None:
        """Nobody asked for it by name, so nobody else is told why nothing starts; once for each commit."""
        said = self.desk.bot.redactor.text(one_line(sentence, 300))
        log.warning("%s at %s: %s", self.desk.repository, definition_sha[:12], said)

    def _matching(self, triggers: Mapping[str, Any]) -> list[str]:
        return [
            directory
            for directory, trigger in triggers.items()
            if matches(EventTrigger.model_validate(trigger), self.key, self.payload)
        ]

    async def _overtaken(self, target: EventTarget) -> frozenset[str]:
        """The automations that a newer head of the pull request has had a run of: this event comes too late for them.

        Which head is the newer one is for GitHub to say; its answer may itself be older than the event.
        """
        number = target.pull_request
        if self.name != "pull_request" or number is None:
            return frozenset()
        runs = await self.desk.bot.store.runs.of_pull(self.desk.repository, number, LOOKED_AT)
        if all(run.head_sha == target.sha for run in runs):
            return frozenset()
        shown = await self.desk.github.get(f"/pulls/{number}")
        head_sha = PullRequest.read(shown).head_sha
        told_at = text(at(self.payload, "pull_request", "updated_at"))
        if head_sha == target.sha or text(at(shown, "updated_at")) < told_at:
            return frozenset()
        return frozenset(run.automation for run in runs if run.head_sha == head_sha)

    async def _start(
        self, directory: str, target: EventTarget, definition_sha: str, *, overtaken: Collection[str]
    ) -> str:
        slug = PurePosixPath(directory).name
        if slug in overtaken:
            return f"{slug}: has run on a newer commit"
        try:
            automation = await self.desk.automation(definition_sha, directory)
        except Misconfigured as error:
            return f"{slug}: {error.reason}"
        subject = Subject(
            repository=self.desk.repository,
            installation=self.desk.installation,
            sha=target.sha,
            definition_sha=definition_sha,
            head_ref=target.head_ref,
            head_repository=target.head_repository,
            base_sha=target.base_sha,
            base_ref=target.base_ref,
            pull_request=target.pull_request,
            is_fork=target.is_fork,
        )
        wish = Wish(
            actor=self.actor,
            cause=self.key,
            event_name=self.name,
            is_by_event=True,
            request=self.request,
        )
        acceptance = self.desk.acceptance
        try:
            # Its slug is what its runs are known by, so it has to be the only one.
            await self.desk.automation(definition_sha, slug)
            run = await acceptance.accept(automation, subject, wish)
        except Refused as error:
            if isinstance(error, NotNow) or error.reason in WAITS:
                # A branch rule may wait for the check, and somebody has to hear of it.
                await acceptance.hold(automation, subject, wish, error)
            return f"{slug}: refused: {error.reason}"
        except Misconfigured as error:
            await acceptance.fail(automation, subject, wish, error)
            return f"{slug}: {error.reason}"
        return f"run {run.id}"
