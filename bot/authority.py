"""What may become a run, beside the role of who asks: forks, commits that were left behind, caps. Pure.

A refusal says which rule it is and the way out. Roles are judged by `automation.authority`.
"""

from dataclasses import dataclass

from automation.definition.github_key import Forks, GitHubKey
from automation.errors import Refused
from automation.reasons import Reason
from bot.caps import Caps


class NotNow(Refused):
    """The same may be started later, by the same person."""


@dataclass(frozen=True)
class Recent:
    """How many runs were accepted within the last hour."""

    of_user: int
    of_pull: int
    of_repository: int


def check_fork(sha: str, settings: GitHubKey, *, is_fork: bool, is_approved: bool) -> None:
    """Let a fork's commit through once somebody with write access has approved exactly this one.

    Raises:
        Refused: it may never, or not yet.
    """
    if not is_fork:
        return
    if settings.forks is Forks.DENY:
        raise Refused(
            "the commit is a fork's, and this automation does not run on forks (`github.forks: deny`)"
        )
    if not is_approved:
        raise Refused(
            f"the commit {sha} is a fork's, and nobody with write access has approved it: look at it, then "
            f"write `/run-automation approve {sha}`",
            reason=Reason.FORK_NEEDS_APPROVAL,
        )


def check_head(sha: str, head_sha: str, differs: str, then: str = "approve that") -> None:
    """Let through the commit that the pull request is at.

    Args:
        sha: the commit that is meant; head_sha: the pull request's.
        differs: how the second is not the first, for the sentence, such as "which is not the commit of this check".
        then: what to do after a look at what is new.

    Raises:
        Refused: the pull request has been pushed to.
    """
    if sha != head_sha:
        raise Refused(
            f"the pull request is at {head_sha}, {differs}; look at what is new and {then}",
            reason=Reason.SHA_MOVED,
        )


def check_caps(recent: Recent, caps: Caps) -> None:
    """Let through what is within the caps.

    Raises:
        NotNow: one is reached.
    """
    for count, cap, whose in (
        (recent.of_user, caps.per_user, "by one person"),
        (recent.of_pull, caps.per_pull, "on one pull request"),
        (recent.of_repository, caps.per_repository, "in one repository"),
    ):
        if count >= cap:
            raise NotNow(
                f"{count} runs were started {whose} within the last hour, and {cap} is the most that this bot allows: "
                "try again later, or ask whoever runs it to raise the cap"
            )
