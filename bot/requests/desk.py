"""Where requests are dealt with: what they have in common."""

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property

from automation.catalogue import Automation, find_automation
from automation.definition.role import Role
from automation.errors import Refused
from automation.github import GitHub
from automation.github.contents import Contents
from automation.github.people import role_of
from automation.github.pull_request import PullRequest
from bot.bot import Bot
from bot.requests.acceptance import Acceptance
from bot.requests.wish import Subject
from bot.runs.driver import Driver

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Desk:
    """One repository's, for the time of one request.

    Attributes:
        delivery: GUID of the one that the request comes from; traceparent: the request's place in a trace.
    """

    bot: Bot
    driver: Driver
    repository: str
    installation: int
    delivery: str = ""
    traceparent: str = ""

    @cached_property
    def github(self) -> GitHub:
        return self.bot.installations.client(self.repository, self.installation)

    @cached_property
    def contents(self) -> Contents:
        return Contents(self.github, asyncio.get_running_loop())

    @cached_property
    def acceptance(self) -> Acceptance:
        return Acceptance(self.bot, self.driver, self.delivery, self.traceparent)

    async def pull(self, number: int) -> PullRequest:
        """A pull request as it is now.

        Raises:
            GitHubRefuses: there is none that the bot may see.
            GitHubUnavailable: it could not be had.
        """
        return PullRequest.read(await self.github.get(f"/pulls/{number}"))

    async def open_pull(self, number: int) -> PullRequest:
        """The same, with the same errors.

        Raises:
            Refused: it is closed.
        """
        pull = await self.pull(number)
        if not pull.is_open:
            raise Refused(f"pull request {number} is closed; open it again to run something on it")
        return pull

    async def role(self, login: str) -> Role | None:
        return await role_of(self.github, login)

    async def commit(self, reference: str) -> str:
        """The SHA that a branch has now, never mind a tag of the same name; a whole SHA is itself."""
        if SHA.fullmatch(reference):
            return reference
        sha = await asyncio.to_thread(self.contents.commit, f"heads/{reference}")
        self.bot.branches.seen(self.repository, reference, sha)
        return sha

    async def tagged(self, tag: str) -> str:
        """The SHA of the commit that a tag is on."""
        return await asyncio.to_thread(self.contents.commit, f"tags/{tag}")

    async def automation(self, sha: str, name: str) -> Automation:
        """An automation as the commit defines it.

        Raises:
            Misconfigured: there is none of that name, or it has errors.
            GitHubUnavailable, NoRoom: it could not be fetched now.
        """
        async with self.bot.definitions.at(self.contents, sha) as root:
            return await asyncio.to_thread(find_automation, root, name)

    def subject(self, pull: PullRequest, definition_sha: str) -> Subject:
        return Subject(
            repository=self.repository,
            installation=self.installation,
            sha=pull.head_sha,
            definition_sha=definition_sha,
            head_ref=pull.head_ref,
            head_repository=pull.head_repository,
            base_sha=pull.base_sha,
            base_ref=pull.base_ref,
            pull_request=pull.number,
            is_fork=pull.is_from_fork,
        )
