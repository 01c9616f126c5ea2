"""The end of runs by somebody's word: each stops his own, and others' where his role would let him start them."""

from collections.abc import Sequence
from dataclasses import dataclass

from automation.authority import check_role
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Refused
from bot import replies
from bot.requests.desk import Desk
from bot.runs.run import Run


@dataclass(frozen=True)
class Cancelling:
    """One person's.

    Attributes:
        actor: login; role: in the repository.
        request: the row that it comes from.
    """

    desk: Desk
    actor: str
    role: Role | None
    request: int

    async def cancel(self, runs: Sequence[Run], name: str) -> tuple[str, str] | None:
        """Have those stopped that are under way.

        Args:
            runs: all that are meant.
            name: as it was asked for.

        Returns:
            The reply, and what came of it, for the record; None if another replica has dealt with the request.

        Raises:
            Refused: none of them is this person's to stop.
            DatabaseUnavailable: it could not be written down; nothing is lost if it is called again.
        """
        since = await self.desk.bot.store.requests.pending_since(self.request)
        if since is None:
            # Another replica was faster than we, who were held up.
            return None
        alive = [run for run in runs if not run.is_over]
        # By an earlier try, whose reply could not be made.
        stopped = [run for run in runs if self._has_stopped(run, since)]
        if not (alive or stopped):
            return replies.nothing_to_cancel(self.actor, name), "nothing to cancel"
        refusals = {run.id: refusal for run in alive if (refusal := self._refusal(run))}
        if len(refusals) == len(alive) and not stopped:
            raise refusals[alive[0].id]
        left = [run for run in alive if run.id in refusals]
        stopped += [
            run for run in alive if run.id not in refusals and await self.desk.driver.stop(run, self._stopper)
        ]
        return replies.cancelled(stopped, left), f"cancelled {len(stopped)}"

    @property
    def _stopper(self) -> str:
        """What a run's row says of who wants it stopped."""
        return f"@{self.actor}"

    def _has_stopped(self, run: Run, since: float) -> bool:
        """Whether this person has stopped a run that was under way at a Unix time, or has ended after it."""
        return run.is_over and run.stop_by == self._stopper and run.ended_at >= since

    def _refusal(self, run: Run) -> Refused | None:
        """Why a run is not this person's to stop; None if it is."""
        if run.actor == self.actor:
            return None
        try:
            check_role(self.actor, self.role, GitHubKey(who=run.asks_role or Role.WRITE))
        except Refused as refusal:
            return refusal
        return None
