"""One run as the bot knows it: plain data, read from its row and written back by `bot.store.runs`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from automation.definition.github_key import ConcurrencyPolicy
from automation.definition.role import Role
from automation.reasons import Conclusion, Reason
from automation.report import Report

APPROVED: Final = "approve"
"""The cause of a run that somebody's approval of its commit has started."""
RETRIED: Final = "retry"
"""The cause of a run that repeats another, by a command, a button or GitHub's *Re-run*."""


class State(StrEnum):
    """How far a run is.

    Every state but the last one has something left to do; whoever drives the run does the next thing.
    """

    QUEUED = "queued"
    """Accepted; waits for its turn in its lane."""
    STARTING = "starting"
    """It has its turn; there may be something of it on the server."""
    RUNNING = "running"
    """It was started on the server."""
    CONCLUDING = "concluding"
    """Its verdict is known; GitHub may not know it yet."""
    ENDED = "ended"
    """Told and tidied up."""


@dataclass(frozen=True)
class End:
    """How a run ended; everything in it is redacted."""

    conclusion: Conclusion
    reason: Reason
    sentence: str
    exit_code: int | None = None
    title: str = ""
    summary: str = ""
    text: str = ""
    annotations: tuple[Mapping[str, Any], ...] = ()

    @property
    def report(self) -> Report:
        """What GitHub shows of it."""
        return Report(self.title, self.summary, self.text)


class Overtaken(Exception):
    """A newer driver has the run: nothing more of this one's is written."""


@dataclass(frozen=True)
class Station:
    """A phase that a run has entered, and when (Unix time in seconds)."""

    phase: str
    at: float
    detail: str = ""


@dataclass(frozen=True)
class Pending:
    """As much of a run that has something left to do as tells whether it can be done now; see `Run`."""

    id: UUID
    repository: str
    is_fork: bool
    lane: str
    state: State
    check_id: int
    is_ordered: bool
    driver: str
    stop_by: str
    stop_cause: str
    is_over: bool


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        installation: of the App, which may write to the repository.
        automation: the slug of its directory; name: what its definition calls it.
        definition_sha: the commit that the definition and the bundle are read from.
        head_sha: the commit that it is about, pinned when it was accepted.
        is_fork: the code is somebody else's.
        actor: login of whoever asked for it, or caused the event.
        asks_role: that the actor has to have, still when it starts; None where the event itself started it.
        cause: what asked for it: an event's key such as `issue_comment.created`, or `APPROVED` or `RETRIED`.
        event_name: GitHub's, of the event that it is told of.
        comment_id: of the command, 0 if there was none.
        delivery: GUID of the one that asked for it, empty for none that is known; traceparent: its place in a trace.
        inputs: given arguments, as text by name.
        timeout: seconds; outputs: names that it has to report.
        lane: runs of one lane take turns; empty for none.
        attempt: from 1; retry_of: the run that this one repeats.
        epoch: goes up with every driver that takes the run over; writes of an older one do nothing.
        driver: the replica that took it; empty for none.
        has_check: it shows as a check run; check_id: 0 until it is known; check_url: where people see it.
        shows_queued: so the check run was made.
        ahead: how many runs go before it while it waits, as far as was known when somebody looked.
        is_ordered: there may be something of it on the server; is_gone: there is not any more.
        is_sent: its start was about to be sent, and may have been; is_started: it has begun.
        stop_by, stop_cause: who wants it stopped, and `cancelled` or `superseded`; empty for nobody.
        accepted_at, started_at, ended_at: Unix times in seconds; 0 until then.
        deadline: Unix time at which it is over for certain.
        tried_since: Unix time at which its start first found GitHub away, or no room; 0 if it has not.
        end: None until its verdict is known.
        unknown: what a newer version of the bot has noted, kept for it.
    """

    id: UUID
    repository: str
    installation: int
    automation: str
    name: str
    definition_sha: str
    head_sha: str
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    is_fork: bool = False
    actor: str = ""
    asks_role: Role | None = None
    cause: str = ""
    event_name: str = ""
    comment_id: int = 0
    delivery: str = ""
    traceparent: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 0
    outputs: tuple[str, ...] = ()
    lane: str = ""
    policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    attempt: int = 1
    retry_of: UUID | None = None
    state: State = State.QUEUED
    epoch: int = 0
    driver: str = ""
    has_check: bool = True
    check_id: int = 0
    check_url: str = ""
    shows_queued: bool = False
    ahead: int = 0
    is_ordered: bool = False
    is_sent: bool = False
    is_started: bool = False
    is_gone: bool = False
    stop_by: str = ""
    stop_cause: str = ""
    accepted_at: float = 0
    started_at: float = 0
    ended_at: float = 0
    deadline: float = 0
    tried_since: float = 0
    stations: tuple[Station, ...] = ()
    end: End | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may_be_started(self) -> bool:
        """Whoever had it before may have started it."""
        return self.is_sent or self.is_started

    @property
    def is_success(self) -> bool:
        return self.end is not None and self.end.conclusion is Conclusion.SUCCESS

    @property
    def is_over(self) -> bool:
        return self.end is not None

    @property
    def waits_for(self) -> str:
        """What a queued run waits for, in words."""
        if not self.ahead:
            return "its turn"
        return f"its turn, behind {self.ahead} other {'run' if self.ahead == 1 else 'runs'}"


def newest_by_automation(runs: Iterable[Run]) -> dict[str, Run]:
    """Of each automation the newest run, the newest of all first.

    Args:
        runs: the newest first.
    """
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.automation, run)
    return newest
