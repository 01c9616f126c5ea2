"""Runs are found again, are made once, and belong to their newest driver."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from automation.reasons import Conclusion, Reason
from bot.runs.run import End, Pending, Run, State
from bot.store import Database
from bot.store.deliveries import Delivery, DeliveryRows
from bot.store.outputs import Output, OutputRows
from bot.store.requests import RequestRows
from bot.store.runs import RunRows
from bot.store.schema import events, outputs, runs, secrets
from bot.store.secrets import SecretRows
from tests.bot.store.rows import NOW, SUCCESS, a_delivery, a_run


@pytest.fixture
def rows(database: Database) -> RunRows:
    return RunRows(database)


async def a_request(database: Database, delivery: Delivery | None = None) -> int:
    delivery = delivery or a_delivery()
    await DeliveryRows(database).add([delivery])
    return max(each.id for each in await RequestRows(database).due(NOW, 1000))


async def add(rows: RunRows, *made: Run) -> list[UUID]:
    for run in made:
        assert await rows.add(run)
    return [run.id for run in made]


def ids(found: Sequence[Run | Pending]) -> list[UUID]:
    return [run.id for run in found]


async def test_a_run_is_found_by_its_id(rows: RunRows) -> None:
    run = a_run(inputs={"target": "main"}, retry_of=uuid4())
    assert await rows.get(run.id) is None
    assert await rows.add(run)
    assert await rows.get(run.id) == run


async def test_a_request_makes_a_run_of_an_automation_once(database: Database, rows: RunRows) -> None:
    request, other = await a_request(database), await a_request(database)
    assert await rows.add(a_run(), request=request)
    assert not await rows.add(a_run(), request=request)
    assert await rows.add(a_run(automation="lint"), request=request)
    assert await rows.add(a_run(), request=other)
    assert await rows.add(a_run())
    assert await rows.add(a_run())
    assert len(await rows.recent()) == 5


async def test_a_run_that_is_there_is_left_alone(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    assert not await rows.add(replace(run, name="Other"), event=b'{"other": 1}')
    assert await rows.get(run.id) == run
    assert await rows.event_of(run.id) is None


async def test_a_run_and_the_end_of_its_request_are_one_transaction(
    database: Database, rows: RunRows
) -> None:
    request = await a_request(database)
    run = a_run()

    async def fail() -> None:
        async with database.writing():
            await rows.add(run, request=request)
            await RequestRows(database).done(request)
            assert await rows.get(run.id) == run
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows.get(run.id) is None
    assert [each.id for each in await RequestRows(database).due(NOW)] == [request]


async def test_the_unfinished_the_oldest_first(rows: RunRows) -> None:
    runs = [a_run(state=state, accepted_at=NOW - number) for number, state in enumerate(State)]
    await add(rows, *runs)
    expected = [run.id for run in reversed(runs) if run.state is not State.ENDED]
    assert ids(await rows.unfinished()) == expected
    assert len(expected) == 4


async def test_a_lane_the_oldest_first(rows: RunRows) -> None:
    second, first = await add(rows, a_run(lane="a"), a_run(lane="a", accepted_at=NOW - 1))
    await add(rows, a_run(lane="b"), a_run(lane="a", state=State.ENDED))
    assert ids(await rows.in_lane("a")) == [first, second]


async def test_a_pull_request_the_newest_first(rows: RunRows) -> None:
    runs = [a_run(pull_request=7, accepted_at=NOW + number) for number in range(4)]
    await add(rows, *runs, a_run(pull_request=8), a_run(), a_run(pull_request=7, repository="octo/other"))
    assert ids(await rows.of_pull("octo/demo", 7)) == ids(runs)[::-1]
    assert ids(await rows.of_pull("octo/demo", 7, 2)) == [runs[3].id, runs[2].id]


async def test_a_commit_the_newest_first_and_of_each_automation_so_many(rows: RunRows) -> None:
    runs = [a_run(accepted_at=NOW + number) for number in range(4)]
    lint = a_run(automation="lint", accepted_at=NOW - 1)
    await add(rows, *runs, lint, a_run(repository="octo/other"), a_run(head_sha="b" * 40))
    assert ids(await rows.of_commit("octo/demo", "a" * 40)) == [*ids(runs)[::-1], lint.id]
    assert ids(await rows.of_commit("octo/demo", "a" * 40, 2)) == [runs[3].id, runs[2].id, lint.id]


async def test_what_was_under_way_when_a_request_came_the_newest_first(
    database: Database, rows: RunRows
) -> None:
    request = await a_request(database)
    await DeliveryRows(database).add([a_delivery(received_at=NOW + 5)])
    later = max(each.id for each in await RequestRows(database).due(NOW + 5))
    known = {"pull_request": 7, "state": State.ENDED, "end": SUCCESS, "ended_at": NOW - 1}
    before, since, alive = await add(
        rows,
        a_run(**known, accepted_at=NOW - 3),
        a_run(**known | {"ended_at": NOW + 1}, accepted_at=NOW - 2),
        a_run(pull_request=7, accepted_at=NOW - 1),
    )
    await add(rows, a_run(pull_request=8), a_run(), a_run(pull_request=7, repository="octo/other"))
    newer = a_run(pull_request=7, accepted_at=NOW + 5)
    assert await rows.add(newer, request=later)
    assert ids(await rows.under_way_at(request, "octo/demo", 7)) == [alive, since]
    assert ids(await rows.under_way_at(later, "octo/demo", 7)) == [newer.id, alive]
    assert before in ids(await rows.of_pull("octo/demo", 7))


async def test_a_run_is_found_by_its_check(rows: RunRows) -> None:
    run = a_run(check_id=2**40)
    await add(rows, run, a_run())
    assert await rows.find_by_check("octo/demo", 2**40) == run
    assert await rows.find_by_check("octo/other", 2**40) is None
    assert await rows.find_by_check("octo/demo", 1) is None


@pytest.mark.parametrize(
    ("form", "is_found"),
    [
        ("bot:instance:{id}:2:1800000000", True),
        ("bot:another:{id}:2:1", True),
        ("bot:instance:{id}:1:1800000000", False),
        ("action:instance:{id}:2:1800000000", False),
        ("bot:instance:00000000-0000-0000-0000-000000000000:2:1800000000", False),
        ("{id}", False),
        ("", False),
    ],
)
async def test_a_run_is_found_by_what_its_check_says(rows: RunRows, form: str, is_found: bool) -> None:
    run = a_run(attempt=2)
    await add(rows, run)
    assert await rows.find_by_external_id(form.format(id=run.id)) == (run if is_found else None)


async def test_the_recent_ones_by_what_they_are_like(rows: RunRows) -> None:
    failed = End(Conclusion.FAILURE, Reason.EXIT_CODE, "no")
    runs = [
        a_run(accepted_at=NOW, repository="octo/other"),
        a_run(accepted_at=NOW + 1, automation="lint", state=State.RUNNING),
        a_run(accepted_at=NOW + 2, actor="mona", end=failed, state=State.ENDED),
        a_run(accepted_at=NOW + 3, end=SUCCESS, state=State.ENDED),
    ]
    other, lint, mona, newest = await add(rows, *runs)
    assert ids(await rows.recent()) == [newest, mona, lint, other]
    assert ids(await rows.recent(2)) == [newest, mona]
    assert ids(await rows.recent(before=NOW + 2)) == [lint, other]
    assert ids(await rows.recent(repository="octo/other")) == [other]
    assert ids(await rows.recent(automation="lint")) == [lint]
    assert ids(await rows.recent(actor="mona")) == [mona]
    assert ids(await rows.recent(state=State.ENDED)) == [newest, mona]
    assert ids(await rows.recent(conclusion=Conclusion.FAILURE)) == [mona]
    assert ids(await rows.recent(conclusion=Conclusion.FAILURE, automation="lint")) == []


async def test_a_driver_saves_what_it_knows(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    known = replace(run, state=State.CONCLUDING, check_id=5, is_ordered=True, end=SUCCESS, deadline=NOW)
    assert await rows.save(known)
    assert await rows.get(run.id) == known


async def test_a_driver_that_was_taken_over_from_saves_nothing(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    first = await rows.take(run.id)
    second = await rows.take(run.id)
    assert first == replace(run, epoch=1)
    assert second == replace(run, epoch=2)
    assert not await rows.save(replace(first, state=State.ENDED))
    assert not await rows.save(replace(run, state=State.ENDED))
    assert await rows.save(replace(second, state=State.RUNNING))
    assert await rows.get(run.id) == replace(second, state=State.RUNNING)


async def test_of_many_drivers_one_has_the_run(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)

    taken = await asyncio.gather(*(rows.take(run.id) for _ in range(20)))

    async def end(mine: Run | None) -> int | None:
        assert mine is not None
        ended = replace(mine, actor=str(mine.epoch), state=State.ENDED)
        return mine.epoch if await rows.save(ended) else None

    ended = await asyncio.gather(*map(end, taken))
    assert [epoch for epoch in ended if epoch] == [20]
    last = await rows.get(run.id)
    assert last is not None
    assert (last.epoch, last.actor) == (20, "20")


async def test_what_has_ended_is_not_taken_any_more(rows: RunRows) -> None:
    run = a_run(state=State.ENDED)
    await rows.add(run)
    assert await rows.take(run.id) is None
    assert await rows.get(run.id) == run


async def test_what_cannot_be_read_is_left_to_who_can(database: Database, rows: RunRows) -> None:
    """A newer version of the bot has written it, which is to drive it; the others are read all the same."""
    newer, run = a_run(lane="a lane"), a_run(lane="a lane")
    await add(rows, newer, run)
    async with database.writing() as connection:
        writing = update(runs).where(runs.c.id == str(newer.id)).values(policy="newer")
        await connection.execute(writing)
    async with database.writing() as connection:
        with pytest.raises(ValueError, match="policy"):
            await rows.take(newer.id, "replica", goes=True)
        assert await rows.take(run.id, "replica", goes=True)
        looking = select(runs.c.driver, runs.c.epoch, runs.c.state).where(runs.c.id == str(newer.id))
        assert tuple((await connection.execute(looking)).one()) == ("", 0, "queued")
    assert ids(await rows.in_lane("a lane")) == [run.id]
    with pytest.raises(ValueError, match="policy"):
        await rows.get(newer.id)
    assert await rows.is_known(newer.id)
    assert not await rows.is_known(uuid4())


async def test_who_holds_a_run_is_its_newest_driver(database: Database, rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    mine = await rows.take(run.id)
    assert mine is not None
    async with database.writing():
        assert await rows.hold(mine)
    theirs = await rows.take(run.id)
    assert theirs is not None
    assert not await rows.hold(mine)
    assert await rows.hold(theirs)


async def test_what_is_not_there_is_neither_taken_nor_saved_nor_stopped(rows: RunRows) -> None:
    assert await rows.take(uuid4()) is None
    assert not await rows.save(a_run())
    assert not await rows.ask_stop(uuid4(), "mona", "cancelled")


async def test_who_wants_a_run_stopped_is_not_overwritten(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    assert await rows.ask_stop(run.id, "mona", "cancelled")
    assert await rows.save(replace(run, state=State.RUNNING))
    assert await rows.get(run.id) == replace(run, state=State.RUNNING, stop_by="mona", stop_cause="cancelled")


async def test_who_wants_a_run_stopped_first_stays(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    assert await rows.ask_stop(run.id, "mona", "cancelled")
    assert await rows.ask_stop(run.id, "", "superseded")
    assert await rows.get(run.id) == replace(run, stop_by="mona", stop_cause="cancelled")


async def test_a_run_with_an_end_is_not_stopped(rows: RunRows) -> None:
    run = a_run()
    await add(rows, run)
    await rows.save(replace(run, state=State.CONCLUDING, end=SUCCESS))
    assert not await rows.ask_stop(run.id, "mona", "cancelled")
    kept = await rows.get(run.id)
    assert kept is not None
    assert kept.stop_cause == ""


async def test_what_started_a_run(database: Database, rows: RunRows) -> None:
    payload = {"action": "created", "comment": {"body": "ü\0"}}
    request = await a_request(database, a_delivery(payload=json.dumps(payload).encode()))
    asked, given, neither = a_run(), a_run(), a_run()
    await rows.add(asked, request=request)
    await rows.add(given, event=b'{"action": "pushed"}')
    await rows.add(neither)
    assert await rows.event_of(asked.id) == payload
    assert await rows.event_of(given.id) == {"action": "pushed"}
    assert await rows.event_of(neither.id) is None
    assert await rows.event_of(uuid4()) is None


async def test_a_retry_was_started_by_what_started_the_first(rows: RunRows) -> None:
    first = a_run()
    second = a_run(retry_of=first.id, attempt=2)
    third = a_run(retry_of=second.id, attempt=3)
    lost = a_run(retry_of=uuid4())
    circle = uuid4()
    await rows.add(first, event=b'{"action": "created"}')
    await add(rows, second, third, lost, a_run(id=circle, retry_of=circle))
    assert await rows.event_of(third.id) == {"action": "created"}
    assert await rows.event_of(lost.id) is None
    assert await rows.event_of(circle) is None


async def test_a_retry_by_a_request_was_started_by_what_started_the_first(
    database: Database, rows: RunRows
) -> None:
    """Its own request is a click, of which nobody is to be told."""
    opened = await a_request(database, a_delivery(payload=b'{"action": "opened"}'))
    pressed = await a_request(database, a_delivery(payload=b'{"action": "requested_action"}'))
    first = a_run()
    second = a_run(retry_of=first.id, attempt=2)
    await rows.add(first, request=opened)
    await rows.add(second, request=pressed)
    assert await rows.event_of(second.id) == {"action": "opened"}


async def test_what_has_come_of_a_request_or_of_its_comment(database: Database, rows: RunRows) -> None:
    one, two = await a_request(database), await a_request(database)
    first, second, third = a_run(comment_id=9), a_run(automation="lint", comment_id=9), a_run()
    assert await rows.add(first, request=one)
    assert not await rows.add(a_run(comment_id=9), request=two)
    assert await rows.add(second, request=two)
    await add(rows, third, a_run())

    async def made(request: int | None, comment: int = 0) -> set[UUID]:
        return {run.id for run in await rows.made_by(request, comment)}

    assert await made(one) == {first.id}
    assert await made(one, 9) == await made(None, 9) == {first.id, second.id}
    assert await made(None) == await made(None, 10) == set()


async def test_the_run_that_repeats_another_one(rows: RunRows) -> None:
    first = a_run(state=State.ENDED, end=SUCCESS)
    over = a_run(retry_of=first.id, state=State.CONCLUDING, end=SUCCESS)
    alive = a_run(retry_of=first.id)
    await add(rows, first, over)
    assert await rows.repeating(first.id) is None
    await add(rows, alive)
    assert await rows.repeating(first.id) == alive


async def test_output_is_kept(database: Database, rows: RunRows) -> None:
    run, outputs = a_run(), OutputRows(database)
    await add(rows, run)
    assert await outputs.of(run.id) is None
    await outputs.keep(run.id, b"begin\xff\0", b"", 7)
    assert await outputs.of(run.id) == Output(b"begin\xff\0", b"", 7)
    await outputs.keep(run.id, b"begin", b"end" * 100_000, 2**40)
    await outputs.keep(run.id, b"less of it", b"that comes late", 2**39)
    assert await outputs.of(run.id) == Output(b"begin", b"end" * 100_000, 2**40)


async def test_old_runs_are_forgotten_with_all_that_is_theirs(database: Database, rows: RunRows) -> None:
    old = a_run(state=State.ENDED, ended_at=NOW - 1)
    recent = a_run(state=State.ENDED, ended_at=NOW)
    going_on = a_run(state=State.CONCLUDING, ended_at=NOW - 1)
    for run in (old, recent, going_on):
        await rows.add(run, event=b"{}")
        await OutputRows(database).keep(run.id, b"", b"", 0)
        await SecretRows(database).keep(run.id, {"token": b"sealed"})
    assert await rows.prune(NOW) == 1
    assert {run.id for run in await rows.recent()} == {recent.id, going_on.id}
    async with database.reading() as connection:
        for table in (events, outputs, secrets):
            kept = set((await connection.execute(select(table.c.run))).scalars())
            assert kept == {str(recent.id), str(going_on.id)}
    assert await rows.prune(NOW) == 0


async def test_runs_are_forgotten_a_few_at_a_time(rows: RunRows) -> None:
    await add(rows, *(a_run(state=State.ENDED, ended_at=1) for _count in range(5)))
    assert [await rows.prune(NOW, 2) for _count in range(4)] == [2, 2, 1, 0]
