"""A run is repeated by a person, under the rules of now, whatever it was accepted under."""

from typing import Any

import pytest

from automation.definition.role import Role
from automation.errors import Refused
from automation.reasons import Conclusion, Reason
from bot.requests.desk import Desk
from bot.requests.repeat import Repeating
from bot.requests.wish import Subject
from bot.runs.run import APPROVED, RETRIED, End, Run, State
from bot.store.deliveries import DeliveryRows
from tests.bot.runs.place import Place
from tests.bot.store.rows import a_delivery

FAILURE = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3)
BY_EVENT: dict[str, Any] = {"asks_role": None, "cause": "pull_request.opened", "event_name": "pull_request"}


@pytest.fixture
async def desk(place: Place) -> Desk:
    await DeliveryRows(place.bot.store.database).add([a_delivery()])
    return Desk(place.bot, place.driver, "octo/demo", place.installation)


async def subject(desk: Desk) -> Subject:
    return desk.subject(await desk.pull(7), await desk.commit("main"))


async def a_row(place: Place, **changes: Any) -> Run:
    run = place.a_run(end=FAILURE, state=State.ENDED, **changes)
    assert await place.bot.store.runs.add(run)
    return run


def by(desk: Desk, actor: str = "alice", role: Role = Role.WRITE) -> Repeating:
    return Repeating(desk, actor, role, request=1)


async def test_the_rules_are_those_of_now(place: Place, desk: Desk) -> None:
    run = await a_row(place, asks_role=Role.READ)
    place.automation("echo hello", github={"who": "maintain"})
    with pytest.raises(Refused, match="maintain or more"):
        await by(desk).repeat(run, await subject(desk), RETRIED)
    place.automation("echo hello", github={"who": "read"})
    new = await by(desk, "rita", Role.READ).repeat(run, await subject(desk), RETRIED)
    assert (new.actor, new.asks_role, new.definition_sha, new.retry_of) == (
        "rita",
        Role.READ,
        place.main,
        run.id,
    )


async def test_what_an_event_has_started_is_repeated_by_a_person(place: Place, desk: Desk) -> None:
    run = await a_row(place, **BY_EVENT)
    with pytest.raises(Refused, match="write or more"):
        await by(desk, "rita", Role.READ).repeat(run, await subject(desk), RETRIED)
    new = await by(desk).repeat(run, await subject(desk), RETRIED)
    assert (new.actor, new.asks_role, new.event_name) == ("alice", Role.WRITE, "pull_request")


async def test_approved_it_is_still_the_events(place: Place, desk: Desk) -> None:
    run = await a_row(place, **BY_EVENT)
    place.automation("echo hello", github={"who": "admin"})
    assert (await by(desk).repeat(run, await subject(desk), APPROVED)).asks_role is None


async def test_switched_off_by_now_an_events_is_not_repeated_and_a_persons_is(
    place: Place, desk: Desk
) -> None:
    place.automation("echo hello", enabled=False)
    with pytest.raises(Refused, match="switched off"):
        await by(desk).repeat(await a_row(place, **BY_EVENT), await subject(desk), RETRIED)
    await by(desk).repeat(await a_row(place), await subject(desk), RETRIED)
