"""An event that automations may have declared to start on: a run for each whose trigger matches.

The declarations of a commit are read once and remembered, so that an event that none of them waits for costs no
call where the commit is known.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from automation.catalogue import list_automations
from automation.definition.trigger import EventTrigger
from automation.errors import Misconfigured, Refused
from automation.reasons import Reason
from bot.events import EventTarget
from bot.requests.acceptance import Subject, Wish
from bot.requests.desk import Desk
from bot.triggers import matches


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
            GitHubUnavailable: GitHub was not to be had; nothing is lost if it is called again.
        """
        target = await self._whole()
        if target is None:
            return "nothing to run on"
        definition_sha = await self.desk.commit(target.definition_ref)
        slugs = await self._matching(definition_sha)
        notes = [await self._start(slug, target, definition_sha) for slug in slugs]
        return ", ".join(notes) or "no trigger matches"

    async def _whole(self) -> EventTarget | None:
        """The target with its commit, read from the API where the event does not say it."""
        target = self.target
        if target.sha:
            return target
        if target.pull_request is None:
            return replace(target, sha=await self.desk.commit(target.head_ref))
        pull = await self.desk.pull(target.pull_request)
        if not pull.is_open:
            return None
        return replace(
            target,
            sha=pull.head_sha,
            head_ref=pull.head_ref,
            base_sha=pull.base_sha,
            base_ref=pull.base_ref,
            definition_ref=pull.base_ref,
            is_fork=pull.is_from_fork,
        )

    async def _matching(self, definition_sha: str) -> list[str]:
        rows, repository = self.desk.bot.store.definitions, self.desk.repository
        found = await rows.get(repository, definition_sha, time.time())
        if found is None:
            found = await self._read(definition_sha)
            await rows.keep(repository, definition_sha, found, time.time())
        return [
            slug
            for slug, trigger in found.items()
            if matches(EventTrigger.model_validate(trigger), self.key, self.payload)
        ]

    async def _read(self, definition_sha: str) -> dict[str, Any]:
        """The triggers of the commit's automations that are switched on, by slug."""
        async with self.desk.bot.definitions.at(self.desk.contents, definition_sha) as root:
            found = list_automations(root)
        return {
            each.slug: definition.trigger.model_dump(mode="json")
            for each in found
            if (definition := each.reading.definition) is not None
            and definition.enabled
            and isinstance(definition.trigger, EventTrigger)
        }

    async def _start(self, slug: str, target: EventTarget, definition_sha: str) -> str:
        automation = await self.desk.automation(definition_sha, slug)
        subject = Subject(
            repository=self.desk.repository,
            installation=self.desk.installation,
            sha=target.sha,
            definition_sha=definition_sha,
            head_ref=target.head_ref,
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
            run = await acceptance.accept(automation, subject, wish)
        except Refused as error:
            if error.reason in {Reason.FORK_NEEDS_APPROVAL, Reason.FORK_NEEDS_ISOLATION}:
                await acceptance.hold(automation, subject, wish, error)
            return f"{slug}: refused: {error.reason}"
        except Misconfigured as error:
            await acceptance.fail(automation, subject, wish, error)
            return f"{slug}: {error.reason}"
        return f"run {run.id}"
