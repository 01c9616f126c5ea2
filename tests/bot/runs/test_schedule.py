"""Whose turn it is, who has a place, and who is behind how many."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runs.run import Pending, State
from bot.runs.schedule import TAKES_PLACE, Move, Room, Step, ahead_of, moves

ROOMY = Room(9, 9, 9)


def pending(number: int, **changes: object) -> Pending:
    waits = Pending(UUID(int=number), "octo/demo", False, "", State.QUEUED, 5, False, "", "", "", False)
    return replace(waits, **changes)  # type: ignore[arg-type]


def step(run: Pending, room: Room = ROOMY) -> list[Step]:
    return [move.step for move in moves([run], room, mine=())]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [Step.GO]),
        ({"state": State.STARTING}, [Step.GO]),
        ({"state": State.STARTING, "is_ordered": True}, [Step.GO_ON]),
        ({"state": State.RUNNING, "is_ordered": True}, [Step.GO_ON]),
        ({"state": State.CONCLUDING, "is_over": True}, [Step.GO_ON]),
        ({"stop_by": "@bob"}, [Step.GO_ON]),
    ],
)
def test_a_run_that_nobody_drives(changes: dict[str, object], expected: list[Step]) -> None:
    assert step(pending(1, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"check_id": 0}, [Step.SHOW]),
        ({"state": State.STARTING, "check_id": 0}, []),
        ({"state": State.RUNNING, "is_ordered": True}, [Step.GO_ON]),
        ({"state": State.CONCLUDING, "is_over": True}, [Step.GO_ON]),
        ({"stop_by": "@bob"}, [Step.GO_ON]),
    ],
)
@pytest.mark.parametrize("room", [Room(0, 9, 9), Room(9, 0, 9), Room(9, 9, 0)])
def test_a_run_without_a_place(changes: dict[str, object], expected: list[Step], room: Room) -> None:
    assert step(pending(1, **changes), room) == expected


def test_what_others_drive_is_theirs_until_they_are_dead() -> None:
    run = pending(1, state=State.RUNNING, is_ordered=True, driver="other")
    assert list(moves([run], ROOMY, mine=(), others={"other"})) == []
    assert list(moves([run], ROOMY, mine={run.id})) == []
    assert list(moves([run], ROOMY, mine=(), others={"another"})) == [Move(run.id, Step.GO_ON)]


def test_what_was_put_off_is_left_and_takes_no_place() -> None:
    runs = [pending(1), pending(2)]
    assert list(moves(runs, Room(1, 9, 9), mine=(), later={runs[0].id})) == [Move(runs[1].id, Step.GO)]


def test_in_a_lane_one_goes_after_the_other() -> None:
    runs = [pending(number, lane="a", check_id=0) for number in (1, 2, 3)]
    assert list(moves(runs, ROOMY, mine=())) == [
        Move(runs[0].id, Step.GO),
        Move(runs[1].id, Step.SHOW, 1),
        Move(runs[2].id, Step.SHOW, 2),
    ]
    over = replace(runs[0], is_over=True, state=State.CONCLUDING)
    assert [move.step for move in moves([over, *runs[1:]], ROOMY, mine=())] == [
        Step.GO_ON,
        Step.GO,
        Step.SHOW,
    ]


def test_a_lane_that_is_taken_stays_so_whatever_was_stored_late() -> None:
    late, running = pending(1, lane="a", check_id=0), pending(2, lane="a", state=State.STARTING)
    assert list(moves([late, running], ROOMY, mine={running.id})) == [Move(late.id, Step.SHOW)]
    assert list(moves([late, running], ROOMY, mine=())) == [
        Move(late.id, Step.SHOW),
        Move(running.id, Step.GO),
    ]


def test_the_oldest_has_the_first_place() -> None:
    runs = [pending(number, check_id=0) for number in (1, 2, 3)]
    assert list(moves(runs, Room(1, 9, 9), mine=())) == [
        Move(runs[0].id, Step.GO),
        Move(runs[1].id, Step.SHOW),
        Move(runs[2].id, Step.SHOW, 1),
    ]


def test_a_repository_leaves_places_to_others() -> None:
    runs = [pending(1), pending(2), pending(3, repository="octo/other")]
    assert [move.run for move in moves(runs, Room(9, 1, 9), mine=())] == [runs[0].id, runs[2].id]


def test_the_server_of_forks_has_places_of_its_own() -> None:
    runs = [pending(1), pending(2), pending(3, is_fork=True)]
    assert [move.run for move in moves(runs, Room(9, 9, 1), mine=())] == [runs[0].id, runs[2].id]


def test_what_others_drive_takes_places_of_repository_and_server_only() -> None:
    theirs, mine = pending(1, state=State.RUNNING, is_ordered=True, driver="other"), pending(2)
    assert len(list(moves([theirs, mine], Room(1, 2, 2), mine=(), others={"other"}))) == 1
    assert list(moves([theirs, mine], Room(1, 1, 2), mine=(), others={"other"})) == []
    assert list(moves([theirs, mine], Room(1, 2, 1), mine=(), others={"other"})) == []


def test_how_many_are_ahead() -> None:
    runs = [
        pending(1, state=State.RUNNING, lane="a"),
        pending(2, lane="a"),
        pending(3, lane="a"),
        pending(4, lane="b"),
        pending(5),
    ]
    assert [ahead_of(run.id, runs) for run in runs] == [0, 1, 2, 0, 1]
    assert ahead_of(UUID(int=9), runs) == 0


REPLICAS = st.sampled_from(["", "me", "other", "dead"])
RUNS = st.lists(
    st.builds(
        pending,
        st.integers(1, 10**6),
        repository=st.sampled_from(["a", "b"]),
        is_fork=st.booleans(),
        lane=st.sampled_from(["", "x", "y"]),
        state=st.sampled_from([State.QUEUED, State.STARTING]),
        driver=REPLICAS,
    ),
    unique_by=lambda run: run.id,
    max_size=12,
)


@given(RUNS, st.builds(Room, *[st.integers(1, 4)] * 3))
def test_nobody_goes_beyond_the_room_or_out_of_turn(runs: list[Pending], room: Room) -> None:
    mine = {run.id for run in runs if run.driver == "me" and run.state in TAKES_PLACE}
    theirs = [run for run in runs if run.driver == "other" and run.state in TAKES_PLACE]
    going = {move.run for move in moves(runs, room, mine=mine, others={"other"}) if move.step is Step.GO}
    new = [run for run in runs if run.id in going]
    held = [run for run in runs if run.id in mine]
    assert len(new) <= max(room.replica - len(held), 0)
    for key, most in (("repository", room.repository), ("is_fork", room.server)):
        before = Counter(getattr(run, key) for run in (*held, *theirs))
        for each, count in Counter(getattr(run, key) for run in new).items():
            assert before[each] + count <= most
    started = {run.lane for run in runs if run.lane and run.state in TAKES_PLACE}
    assert not [run for run in new if run.lane in started and run.state is State.QUEUED]
    lanes = [run.lane for run in new if run.lane and run.lane not in started]
    assert len(lanes) == len(set(lanes))
