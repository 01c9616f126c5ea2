"""Whether a run that was accepted some time ago may still start: roles are taken away, and forks are pushed to."""

from automation.authority import check_role
from automation.definition.github_key import GitHubKey
from automation.errors import Refused
from automation.github import GitHub
from automation.github.people import role_of
from automation.github.pull_request import PullRequest
from automation.reasons import Reason
from bot.authority import check_head
from bot.bot import Bot
from bot.runs.run import Run

FRESH = 10.0
"""Seconds for which an answer of GitHub's holds: a run that starts at once was asked about just now."""


async def authorise_again(bot: Bot, github: GitHub, run: Run) -> None:
    """Return if it may start.

    Raises:
        Refused: it may not any more.
        GitHubUnavailable: it could not be asked.
    """
    bot.check_place(is_fork=run.is_fork)
    # A time that is still to come, of another machine, says nothing of how long ago it was.
    if 0 <= bot.clock.now() - run.accepted_at < FRESH:
        return
    if run.asks_role is not None:
        check_role(run.actor, await role_of(github, run.actor), GitHubKey(who=run.asks_role))
    if run.is_fork and run.pull_request is not None:
        pull = PullRequest.read(await github.get(f"/pulls/{run.pull_request}"))
        check_head(run.head_sha, pull.head_sha, "which is not the commit that was approved")
        if pull.base_ref != run.base_ref:
            raise Refused(
                f"the pull request goes into {pull.base_ref} by now, and its commit was approved for {run.base_ref}; "
                "look at it again and approve it",
                reason=Reason.FORK_NEEDS_APPROVAL,
            )
