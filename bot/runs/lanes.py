"""Lanes: runs of one lane go one after the other, in the order in which they were accepted. Pure."""

from collections.abc import Collection

from automation.definition.github_key import Concurrency, ConcurrencyPolicy
from bot.authority import NotNow
from bot.runs.run import Run


def lane_of(repository: str, automation: str, concurrency: Concurrency, *, pull: int | None, ref: str) -> str:
    """The lane of a run: one for each pull request (`pr`), branch (`branch`) or repository (`repository`).

    Any other key is a lane by that name, which automations of the repository share.
    """
    match concurrency.key:
        case "pr":
            where = f"pull/{pull}" if pull is not None else f"ref/{ref}"
        case "branch":
            where = f"ref/{ref}"
        case "repository":
            where = "repository"
        case name:
            return f"{repository.casefold()} shared {name}"
    return f"{repository.casefold()} {automation} {where}"


def to_replace(policy: ConcurrencyPolicy, lane: Collection[Run]) -> list[Run]:
    """The runs that a new one of this lane puts an end to.

    Raises:
        NotNow: the lane is taken, and the policy is to say so.
    """
    alive = [each for each in lane if not each.is_over]
    match policy:
        case ConcurrencyPolicy.REPLACE:
            return alive
        case ConcurrencyPolicy.REJECT if alive:
            raise NotNow(
                f"run {alive[0].id} is under way, and this automation does not run twice at a time "
                "(`github.concurrency.policy: reject`): wait for its end, or cancel it"
            )
        case _:
            return []
