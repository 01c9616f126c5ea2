"""Whoever may, ends what is under way; what is said of it is true also when it is said for a second time."""

from dataclasses import replace
from typing import Any

import pytest

from automation.definition.role import Role
from automation.errors import Refused
from automation.reasons import Conclusion, Reason
from bot.requests.cancel import Cancelling
from bot.requests.desk import Desk
from bot.runs.run import End, Run, State
from bot.store.deliveries import DeliveryRows
from tests.bot.runs.place import Place
from tests.bot.store.rows import NOW, a_delivery

CANCELLED = End(Conclusion.CANCELLED, Reason.CANCELLED, "stopped by @alice")
ROLES = {"alice": Role.WRITE, "rita": Role.READ}


@pytest.fixture(autouse=True)
async def _request(place: Place) -> None:
    """The row of the request that all of these are."""
    await DeliveryRows(place.bot.store.database).add([a_delivery()])


def by(place: Place, actor: str) -> Cancelling:
    desk = Desk(place.bot, place.driver, "octo/demo", place.installation)
    return Cancelling(desk, actor, ROLES[actor], 1)


async def a_row(place: Place, **changes: Any) -> Run:
    run = place.a_run(**changes)
    assert await place.bot.store.runs.add(run)
    return run


async def test_each_stops_what_his_role_may_and_is_told_what_goes_on(place: Place) -> None:
    own = await a_row(place, automation="greet", actor="rita", asks_role=Role.READ)
    for_all = await a_row(place, automation="lint", asks_role=Role.READ)
    others = await a_row(place, automation="deploy")
    found = await by(place, "rita").cancel([own, for_all, others], "all")
    assert found is not None
    reply, note = found
    assert note == "cancelled 2"
    assert [(await place.now(run)).stop_by for run in (own, for_all, others)] == ["@rita", "@rita", ""]
    stopped, _, kept = reply.partition("Not yours to stop")
    assert "deploy" in kept
    assert "greet" in stopped


async def test_where_nothing_is_the_askers_to_stop_it_is_a_refusal(place: Place) -> None:
    run = await a_row(place)
    with pytest.raises(Refused) as refusal:
        await by(place, "rita").cancel([run], "all")
    assert refusal.value.reason is Reason.NOT_ALLOWED
    assert (await place.now(run)).stop_by == ""


async def test_it_is_told_although_the_bot_died_before_its_reply(place: Place) -> None:
    run = await a_row(place)
    await place.driver.stop(run, "@alice")
    stopped = replace(await place.now(run), end=CANCELLED, state=State.ENDED, ended_at=NOW + 1)
    found = await by(place, "alice").cancel([stopped], "")
    assert found is not None
    assert str(run.id) in found[0]
    assert found[1] == "cancelled 1"


async def test_what_had_ended_before_is_not_told_as_cancelled_by_it(place: Place) -> None:
    run = await a_row(place, end=CANCELLED, state=State.ENDED, ended_at=NOW - 1, stop_by="@alice")
    for runs in ([run], []):
        found = await by(place, "alice").cancel(runs, "review")
        assert found is not None
        assert found[1] == "nothing to cancel"
        assert "review" in found[0]


async def test_one_that_is_tried_again_tells_of_what_it_has_stopped_before(place: Place) -> None:
    own = await a_row(place, automation="greet", actor="rita", asks_role=Role.READ)
    others = await a_row(place, automation="deploy")
    await place.driver.stop(own, "@rita")
    stopped = replace(await place.now(own), end=CANCELLED, state=State.ENDED, ended_at=NOW + 1)
    found = await by(place, "rita").cancel([stopped, others], "all")
    assert found is not None
    assert str(own.id) in found[0]
    assert "Not yours to stop" in found[0]
    assert found[1] == "cancelled 1"
