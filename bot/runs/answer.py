"""What people see of a run on the pull request: one comment for each automation, edited in place, and a reaction.

None of it is worth a run: where GitHub says no (a locked conversation, a comment that is gone) nothing is said.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from weakref import WeakValueDictionary

from automation.errors import AutomationError
from automation.github import GitHub, GitHubRefuses
from automation.github.lane import Lane
from automation.reasons import Conclusion
from bot import replies
from bot.bot import Bot
from bot.github.comments import Comments, Reaction
from bot.replies.marker import marker
from bot.runs.live import LiveRun
from bot.runs.run import Run
from bot.store.comments import StatusComment

TELL_AFTER = 15.0
"""Seconds: what is over sooner is told once, with its end."""
SHOWN = 100

log = logging.getLogger(__name__)

_locks: WeakValueDictionary[tuple[str, int, str], asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True)
class Answer:
    """The bot's side of a conversation about runs."""

    bot: Bot
    github: GitHub

    async def keep_up(self, live: LiveRun) -> None:
        """Say on the pull request that the run goes on, if it takes long enough for that."""
        await asyncio.sleep(TELL_AFTER)
        try:
            # Once it has its turn it does not wait again: the end of another run may have to be written there.
            async with self.github.gate.turn(None, Lane.COSMETIC):
                await self._show(live.run, Lane.START)
        except AutomationError as error:
            log.info("run %s: the status comment waits (%s)", live.run.id, error.sentence)

    async def finish(self, run: Run) -> None:
        """Show the end.

        Raises:
            GitHubUnavailable: it could not be shown now.
        """
        await self._show(run, Lane.END)
        if run.comment_id and run.end is not None:
            is_success = run.end.conclusion is Conclusion.SUCCESS
            reaction = Reaction.ROCKET if is_success else Reaction.CONFUSED
            await self._comments(Lane.COSMETIC).react(run.comment_id, reaction)

    def _comments(self, lane: Lane) -> Comments:
        return Comments(self.github.at(lane), self.bot.settings.app_id)

    async def _show(self, run: Run, lane: Lane) -> None:
        if run.pull_request is None or not run.has_check:
            return
        key = (run.repository.casefold(), run.pull_request, run.automation)
        lock = _locks.setdefault(key, asyncio.Lock())
        turn = f"comment {' '.join(map(str, key))}"
        # Of this process one at a time waits for those of others: each that waits has a connection.
        async with lock, self.bot.store.database.alone(turn):
            try:
                await self._write(run, run.pull_request, self._comments(lane))
            except GitHubRefuses as error:
                log.info("run %s: no status comment (%s)", run.id, error.sentence)

    async def _write(self, run: Run, number: int, comments: Comments) -> None:
        """Edit the comment that is there, or make the one that there will be."""
        rows = self.bot.store.comments
        shown = [
            each
            for each in await self.bot.store.runs.of_pull(run.repository, number, SHOWN)
            if each.automation == run.automation and each.has_check and each.id != run.id
        ]
        newest = sorted([run, *shown], key=lambda each: each.accepted_at, reverse=True)
        mark = marker(f"status/{run.automation}")
        body = replies.status_comment(run.name, newest, self.bot.page_url, self.bot.clock.now())
        digest = hashlib.sha256(body.encode()).hexdigest()
        known = await rows.get(run.repository, number, run.automation)
        if known is not None and known.comment_id:
            if known.body_digest == digest or await comments.edit(known.comment_id, body):
                await rows.save(_row(run, number, known.comment_id, known.node_id, digest))
                return
            await rows.forget(known.comment_id)
            known = None
        if known is None:
            await rows.save(_row(run, number, 0, "", ""))
        made = await comments.create(number, body, mark, looks=known is not None)
        await rows.save(_row(run, number, made.id, made.node_id, digest))


def _row(run: Run, number: int, comment_id: int, node_id: str, digest: str) -> StatusComment:
    return StatusComment(run.repository, number, run.automation, comment_id, node_id, digest)
