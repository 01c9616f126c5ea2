"""An approval is for one commit, one pull request and one base; whatever moves ends it."""

from dataclasses import replace

import pytest

from bot.events.origin import NOBODY, Origin
from bot.events.pull_request import Move, PullRequestMoved
from bot.requests.approvals import Approvals
from bot.requests.wish import Subject
from tests.bot.runs.place import Place

SHA, NEWER = "a" * 40, "b" * 40
SUBJECT = Subject("octo/demo", 5, SHA, "d" * 40, base_ref="main", pull_request=7, is_fork=True)


@pytest.fixture
def approvals(place: Place) -> Approvals:
    return Approvals(place.bot.store)


async def test_it_is_for_exactly_this(approvals: Approvals) -> None:
    assert not await approvals.has(SUBJECT)
    await approvals.give(SUBJECT, "alice")
    assert await approvals.has(SUBJECT)
    assert await approvals.has(replace(SUBJECT, repository="Octo/Demo", definition_sha="e" * 40))
    for other in (
        {"sha": NEWER},
        {"pull_request": 8},
        {"pull_request": None},
        {"repository": "octo/other"},
        {"base_ref": "release"},
    ):
        assert not await approvals.has(replace(SUBJECT, **other))


async def test_without_a_pull_request_there_is_none(approvals: Approvals) -> None:
    nowhere = replace(SUBJECT, pull_request=None)
    await approvals.give(nowhere, "alice")
    assert not await approvals.has(nowhere)


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("head", [SHA, NEWER])
async def test_what_moves_ends_it(approvals: Approvals, move: Move, head: str) -> None:
    other = replace(SUBJECT, pull_request=8)
    for subject in (SUBJECT, replace(SUBJECT, sha=NEWER), other):
        await approvals.give(subject, "alice")
    origin = Origin("Octo/Demo", 5, "main", sender=NOBODY)
    await approvals.void(PullRequestMoved(origin, 7, head, move))
    stays = move not in {Move.EDITED, Move.CLOSED}
    assert await approvals.has(SUBJECT) is (stays and head == SHA)
    assert await approvals.has(replace(SUBJECT, sha=NEWER)) is (stays and head == NEWER)
    assert await approvals.has(other)
