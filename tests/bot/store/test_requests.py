"""Deliveries are remembered once, and what they ask for until it is known what became of it."""

import pytest
from sqlalchemy import select

from bot.store import Database
from bot.store.deliveries import DeliveryRows
from bot.store.requests import RequestRows
from bot.store.runs import RunRows
from bot.store.schema import requests
from tests.bot.store.rows import NOW, a_delivery, a_run


@pytest.fixture
def rows(database: Database) -> RequestRows:
    return RequestRows(database)


@pytest.fixture
def deliveries(database: Database) -> DeliveryRows:
    return DeliveryRows(database)


async def test_a_delivery_is_remembered_once(rows: RequestRows, deliveries: DeliveryRows) -> None:
    first, second = a_delivery(), a_delivery()
    assert await deliveries.add([first]) == {first.guid}
    assert await deliveries.add([first, second, second]) == {second.guid}
    assert await deliveries.add([first, second]) == frozenset()
    assert len(await rows.due(NOW)) == 2
    assert await deliveries.known([first.guid, a_delivery().guid]) == {first.guid}


async def test_only_what_asks_for_something_is_a_request(rows: RequestRows, deliveries: DeliveryRows) -> None:
    asking = a_delivery(payload=b'{"text": "\xc3\xbc\\u0000\\ud800"}', event="push")
    await deliveries.add([a_delivery(is_request=False), asking])
    (request,) = await rows.due(NOW)
    assert (request.delivery, request.event, request.tries, request.note) == (asking.guid, "push", 0, "")
    assert await rows.payload(request.id) == {"text": "ü\0\ud800"}
    assert request.received_at == NOW


async def test_nothing_in_a_delivery_is_too_wild(deliveries: DeliveryRows) -> None:
    wild = a_delivery(action="\ud800\0", repository="\udfff" * 300, installation=2**80)
    assert await deliveries.add([wild, a_delivery(installation=-5)])


async def test_requests_are_due_in_their_order(rows: RequestRows, deliveries: DeliveryRows) -> None:
    late, early, future = (a_delivery(received_at=NOW + at) for at in (0, -5, 5))
    await deliveries.add([late, early, future])
    assert [each.delivery for each in await rows.due(NOW)] == [early.guid, late.guid]
    assert [each.delivery for each in await rows.due(NOW, 1)] == [early.guid]
    assert await rows.next_due() == NOW - 5


async def test_of_each_lane_the_first_one_is_due(rows: RequestRows, deliveries: DeliveryRows) -> None:
    first, second, other = a_delivery(lane="a"), a_delivery(lane="a"), a_delivery(lane="b")
    await deliveries.add([first, second, other])
    one, two = await rows.due(NOW)
    assert [one.delivery, two.delivery] == [first.guid, other.guid]
    assert [each.id for each in await rows.due(NOW, busy=[one.id])] == [two.id]
    await rows.done(one.id)
    assert [each.delivery for each in await rows.due(NOW, busy=[two.id])] == [second.guid]


async def test_what_is_put_off_holds_up_what_came_later(rows: RequestRows, deliveries: DeliveryRows) -> None:
    first, second = a_delivery(lane="a"), a_delivery(lane="a")
    await deliveries.add([first, second])
    [put_off] = await rows.due(NOW)
    await rows.later(put_off.id, NOW + 60, "GitHub does not answer")
    assert await rows.due(NOW) == []
    assert await rows.next_due() == NOW + 60
    assert [each.delivery for each in await rows.due(NOW + 60)] == [first.guid]


async def test_one_repository_does_not_hide_another(rows: RequestRows, deliveries: DeliveryRows) -> None:
    flood = [a_delivery(received_at=NOW - 60) for _count in range(20)]
    alone = a_delivery(repository="octo/other")
    await deliveries.add([*flood, alone])
    found = await rows.due(NOW, 5, each=2)
    assert [each.delivery for each in found] == [flood[0].guid, flood[1].guid, alone.guid]


async def test_what_one_sender_asks_for_is_counted(rows: RequestRows, deliveries: DeliveryRows) -> None:
    await deliveries.add(
        [
            a_delivery(received_at=NOW - 61),
            a_delivery(received_at=NOW - 59),
            a_delivery(sender="bob"),
            a_delivery(event="push"),
            a_delivery(repository="octo/other"),
            a_delivery(),
            (mine := a_delivery()),
            a_delivery(),
        ]
    )
    [asked] = [each for each in await rows.due(NOW) if each.delivery == mine.guid]
    assert await rows.count_before(asked, 60) == 2


async def test_what_became_of_a_request(rows: RequestRows, deliveries: DeliveryRows) -> None:
    await deliveries.add([a_delivery() for _count in range(3)])
    done, failed, later = (each.id for each in await rows.due(NOW))
    await rows.done(done, "a run")
    await rows.failed(failed, "tried often enough \ud800")
    await rows.later(later, NOW + 60, "GitHub does not answer")
    assert await rows.due(NOW) == []
    assert await rows.next_due() == NOW + 60
    (waiting,) = await rows.due(NOW + 60)
    assert (waiting.id, waiting.tries, waiting.note) == (later, 1, "GitHub does not answer")
    await rows.later(later, NOW + 90, "still not")
    assert await rows.pending_since(later) == NOW
    await rows.done(later)
    assert await rows.pending_since(later) is None
    assert await rows.next_due() is None


async def test_of_two_who_deal_with_one_the_first_to_say_so_has_the_word(
    database: Database, rows: RequestRows, deliveries: DeliveryRows
) -> None:
    await deliveries.add([a_delivery()])
    [request] = await rows.due(NOW)
    await rows.done(request.id, "a run")
    await rows.failed(request.id, "held up")
    await rows.later(request.id, NOW + 60, "held up")
    async with database.reading() as connection:
        looking = select(requests.c.state, requests.c.note, requests.c.tries)
        assert tuple((await connection.execute(looking)).one()) == ("done", "a run", 0)


async def test_what_is_old_and_over_is_forgotten(
    database: Database, rows: RequestRows, deliveries: DeliveryRows
) -> None:
    old, with_run, pending, ignored = (a_delivery(received_at=NOW - 1) for _count in range(4))
    recent = a_delivery()
    await deliveries.add([old, with_run, pending, recent, a_delivery(is_request=False, guid=ignored.guid)])
    by_delivery = {each.delivery: each.id for each in await rows.due(NOW)}
    for each in (old, with_run, recent):
        await rows.done(by_delivery[each.guid])
    await RunRows(database).add(a_run(), request=by_delivery[with_run.guid])
    assert await rows.prune(NOW) == 1
    assert await deliveries.prune(NOW) == 1
    assert await deliveries.prune(NOW + 1, limit=1) == 1
    left = [each.guid for each in (with_run, pending, recent)]
    assert await deliveries.known([*left, old.guid, ignored.guid]) == set(left)
    assert [each.delivery for each in await rows.due(NOW)] == [pending.guid]
