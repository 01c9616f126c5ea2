"""The order for a run: the definition from the base branch, the code at the pinned commit, packed for the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from automation.action.source import PinnedSource
from automation.assembly import Wish, assemble
from automation.catalogue import find_automation
from automation.errors import Misconfigured
from automation.github import GitHub
from automation.github.contents import Contents
from automation.packing.gitbundle import GitBundle
from automation.room import own_directory
from automation.run.start import Order
from bot.bot import Bot
from bot.callback import callback_url
from bot.runs.owner import Owner, keys_of
from bot.runs.run import Run


class _OnGitHub(PinnedSource):
    """A commit that is nowhere but on GitHub, which gives out no history without git."""

    def write_bundle(self, head: str, base: str | None, target: Path) -> GitBundle:  # noqa: ARG002
        raise Misconfigured(
            "`github.repository: git` needs the commit's history, which the bot does not have: use "
            "`repository: archive` (AUTOMATION_CHANGES has the changes), or run it by the Action"
        )


@dataclass(frozen=True)
class Ordering:
    """Makes orders."""

    bot: Bot
    run: Run

    @asynccontextmanager
    async def assembled(self, github: GitHub) -> AsyncIterator[Order]:
        """The order, whose files are there for as long as the context lasts.

        Raises:
            Misconfigured: a definition that is not there any more, an input that does not fit, too large a commit.
            GitHubUnavailable: GitHub does not give what it is made of.
            NoRoom: there is none for its files now.
        """
        bot, run = self.bot, self.run
        contents = Contents(github, asyncio.get_running_loop(), is_sparing=True)
        event = await bot.store.runs.event_of(run.id)
        with own_directory("run-", bot.workspace) as workspace:
            async with bot.definitions.at(contents, run.definition_sha) as root:
                automation = await asyncio.to_thread(find_automation, root, run.automation)
                wish = Wish(
                    run_id=str(run.id),
                    revision=run.head_sha,
                    base=run.base_sha,
                    head_ref=run.head_ref,
                    base_ref=run.base_ref,
                    pull_request=run.pull_request,
                    is_fork=run.is_fork,
                    inputs=run.inputs,
                    event_name=run.event_name,
                    event=event,
                    owner=str(Owner(bot.settings.github_url, run.repository, keys_of(run, bot.instance))),
                )
                source = _OnGitHub(run.head_sha, None, contents)
                assembly = await asyncio.to_thread(assemble, automation, source, wish, workspace)
            yield replace(assembly.order, callback_url=callback_url(bot, run.id))

    def resumed(self) -> Order:
        """The order for a run that was started before: all that it was made of is on the server."""
        return Order(
            run_id=str(self.run.id),
            entrypoint="",
            bundle=b"",
            timeout=self.run.timeout,
            outputs=self.run.outputs,
        )
