"""Which runs can go on now, and how many go before those that cannot. Pure.

The oldest goes first. A run has its turn once everything before it in its lane is over, and a place while there is
room: with this replica, with the repository, on the server. Places are what keeps the bot, one repository's share
and the server within bounds; a run that waits for one is queued, never failed.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from bot.runs.run import Pending, Run, State

TAKES_PLACE: Final = frozenset({State.STARTING, State.RUNNING})


@dataclass(frozen=True)
class Room:
    """How many runs may go on at one time.

    Attributes:
        replica: driven by one replica; repository, server: of one, by all replicas.
    """

    replica: int
    repository: int
    server: int


class Step(StrEnum):
    """What can be done about a run now."""

    GO = "go"
    """It has its turn and a place."""
    GO_ON = "go on"
    """There is something to be done that needs no place, or it has one for certain."""
    SHOW = "show"
    """It waits, and nobody can see that yet."""


@dataclass(frozen=True)
class Move:
    """What to do about one run.

    Attributes:
        ahead: how many runs go before it, of those that it waits for.
    """

    run: UUID
    step: Step
    ahead: int = 0


@dataclass
class _Places:
    """Those that are taken."""

    room: Room
    own: int = 0
    repositories: Counter[str] = field(default_factory=Counter)
    servers: Counter[bool] = field(default_factory=Counter)

    def take(self, run: Pending, *, is_own: bool) -> None:
        self.own += is_own
        self.repositories[run.repository] += 1
        self.servers[run.is_fork] += 1

    def has_one_for(self, run: Pending) -> bool:
        return (
            self.own < self.room.replica
            and self.repositories[run.repository] < self.room.repository
            and self.servers[run.is_fork] < self.room.server
        )


def moves(
    pending: Sequence[Pending],
    room: Room,
    *,
    mine: Collection[UUID],
    others: Collection[str] = (),
    later: Collection[UUID] = (),
) -> Iterator[Move]:
    """What this replica can do now about runs that nobody drives, in order.

    Args:
        pending: all that have something left to do, the oldest first.
        mine: runs that this replica drives.
        others: the other replicas that are alive; what they have taken is theirs.
        later: runs that have been put off for a while.
    """
    places = _Places(room)
    taken = {run.lane for run in pending if run.lane and run.state in TAKES_PLACE and not run.is_over}
    for run in pending:
        if run.state in TAKES_PLACE and not run.is_over:
            if run.id in mine or run.driver in others:
                places.take(run, is_own=run.id in mine)
            elif run.is_ordered:
                # It goes on already, from before: it has to be followed, wherever there is room.
                places.take(run, is_own=True)
    lanes: Counter[str] = Counter()
    waiting = 0
    for run in pending:
        before = lanes[run.lane] if run.lane else 0
        lanes[run.lane] += not run.is_over
        if run.id in mine or run.driver in others or run.id in later:
            continue
        # What has had its turn keeps it, whatever was accepted before it and stored after.
        has_turn = run.state in TAKES_PLACE or not (before or run.lane in taken)
        if run.is_over or run.stop_by or run.is_ordered:
            yield Move(run.id, Step.GO_ON)
        elif has_turn and places.has_one_for(run):
            places.take(run, is_own=True)
            yield Move(run.id, Step.GO)
        else:
            if run.state is State.QUEUED and not run.check_id:
                yield Move(run.id, Step.SHOW, before or waiting)
            waiting += not before


def placed(run: Run, pending: Sequence[Pending]) -> Run:
    """The same with how many go before it now."""
    return replace(run, ahead=ahead_of(run.id, pending))


def ahead_of(run: UUID, pending: Sequence[Pending]) -> int:
    """How many runs go before this one: of its lane, or of all that wait for a place. 0 for one that goes on."""
    lanes: Counter[str] = Counter()
    waiting = 0
    for each in pending:
        before = lanes[each.lane] if each.lane else 0
        if each.id == run:
            return 0 if each.state is not State.QUEUED else before or waiting
        lanes[each.lane] += not each.is_over
        waiting += each.state is State.QUEUED and not before and not each.is_over
    return 0
