"""What is due about a check run, and where to look for it: by what GitHub says of workflow runs. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from automation.external_id import ExternalId
from automation.github.answers import understood
from automation.observation import Observation, Process
from automation.run.aftermath import Aftermath

MAX_COMMITS = 60
QUARTER = 900


class Due(StrEnum):
    """What is to be done about a pending check run."""

    LEAVE = "leave"
    SETTLE = "settle"


def due(keys: ExternalId, workflow_run: str | None, now: float) -> Due:
    """Whether a pending check run is to be settled.

    Args:
        workflow_run: status of the workflow run that it belongs to; None if GitHub has no such run.
        now: Unix time in seconds.
    """
    if workflow_run is None or workflow_run == "completed" or now > keys.deadline:
        return Due.SETTLE
    return Due.LEAVE


def chosen(commits: Sequence[str], now: float) -> list[str]:
    """At most `MAX_COMMITS` of them: the first half always, of the rest another part in each quarter of an hour."""
    half = MAX_COMMITS // 2
    first, rest = list(commits[:half]), list(commits[half:])
    at = int(now // QUARTER) * half % len(rest) if rest else 0
    return list(dict.fromkeys([*first, *(rest[at:] + rest[:at])[:half]]))


def without_server(run: dict[str, Any] | None) -> Aftermath:
    """What can be said of a run that no server knows as ours."""
    return Aftermath.nothing(Observation(process=Process.GONE, stopped_by=_stopped_by(run)))


def out_of_reach(run: dict[str, Any] | None, why: str) -> Aftermath:
    """What can be said of a run that may go on where nobody can look."""
    return Aftermath.nothing(Observation(lost=why, stopped_by=_stopped_by(run)))


def _stopped_by(run: dict[str, Any] | None) -> str:
    was_cancelled = run is not None and run.get("conclusion") == "cancelled"
    return "the cancellation of its workflow run" if was_cancelled else ""


def began(run: dict[str, Any] | None) -> float:
    """Unix time before which the workflow run had no run of ours."""
    try:
        return datetime.fromisoformat(str((run or {}).get("created_at"))).timestamp()
    except ValueError:
        return 0


def heads_of(runs: Iterable[Any]) -> list[str]:
    """The commits of workflow runs and of the pull requests that they were made for."""
    found = []
    with understood("a list of workflow runs"):
        for run in runs:
            found += [
                str(run["head_sha"]),
                *(str(pull["head"]["sha"]) for pull in run.get("pull_requests") or ()),
            ]
    return found
