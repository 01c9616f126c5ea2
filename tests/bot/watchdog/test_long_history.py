"""With five thousand runs behind it and a thousand check runs pending, a pass asks for as much as it may, and decides
the rest by what it has: counted in requests and statements, since machines are fast and slow.
"""

from uuid import UUID

import pytest

from bot.runs.owner import keys_of
from bot.runs.run import State
from bot.store.run_row import row_of
from bot.store.schema import runs
from bot.watchdog import PendingChecks
from bot.watchdog import pending_checks as module
from tests.bot.runs.place import Place
from tests.bot.store.statements import history, statements

CHECKS, ON_EACH = 1000, 25


async def crowd(place: Place, *, known: bool) -> None:
    """A thousand pending check runs of ours, on heads of pull requests; their runs wait, or nobody knows them."""
    now = place.bot.clock.now()
    await history(place.bot.store.database, now=now, repository="octo/demo", installation=place.installation)
    waiting = []
    for number in range(CHECKS // ON_EACH):
        sha = place.checkout.commit(f"Commit {number}")
        place.repository.pull(100 + number, head=sha, author="bob")
        for each in range(ON_EACH):
            run = place.a_run(
                id=UUID(int=10**6 + number * ON_EACH + each), head_sha=sha, lane=f"crowd {number}", check_id=1
            )
            body = {"name": "hello", "head_sha": sha, "status": "queued"}
            body["external_id"] = str(keys_of(run, place.bot.instance))
            place.repository.create_check(body, place.app)
            waiting.append(row_of(run))
    if known:
        async with place.bot.store.database.writing() as connection:
            await connection.execute(runs.insert(), waiting)


async def test_a_pass_over_check_runs_whose_runs_wait(place: Place) -> None:
    await crowd(place, known=True)
    watchdog = PendingChecks(place.bot)
    await place.bot.installations.client("octo/demo", place.installation).token()
    place.github.requests.clear()
    with statements() as seen:
        assert await watchdog.watch() == 0
    reads = [each.path for each in place.github.requests]
    assert sum("/check-runs" in path for path in reads) == module.READS - 1
    assert len(reads) == module.READS, "the list of pull requests among them"
    assert len(seen) <= module.READS * ON_EACH + 5
    place.github.requests.clear()
    await watchdog.watch()
    assert len(place.github.requests) <= module.READS_OF_HEADS + 1


async def test_a_pass_over_check_runs_that_nobody_knows_is_bounded(place: Place) -> None:
    await crowd(place, known=False)
    watchdog = PendingChecks(place.bot)
    place.github.requests.clear()
    concluded: list[int] = []
    while sum(concluded) < 200 and len(concluded) < 20:
        concluded.append(await watchdog.watch())
    assert concluded == [module.CONCLUDED] * 5, "each in its turn"
    writes = sum(each.method == "PATCH" for each in place.github.requests)
    assert writes == sum(concluded)


@pytest.mark.parametrize("waiting", [10, 1000])
async def test_a_sweep_over_runs_that_wait_asks_once(place: Place, waiting: int) -> None:
    now = place.bot.clock.now()
    await history(place.bot.store.database, now=now)
    first = place.a_run(
        id=UUID(int=9 * 10**6), lane="crowd", state=State.RUNNING, is_ordered=True, accepted_at=now - 1
    )
    behind = [
        row_of(place.a_run(id=UUID(int=10**6 + number), lane="crowd", check_id=number + 1, accepted_at=now))
        for number in range(waiting)
    ]
    async with place.bot.store.database.writing() as connection:
        await connection.execute(runs.insert(), [row_of(first), *behind])
    # The one that goes on has been put off: nothing is begun, all are looked at.
    place.driver._delays.put_off(first.id, float("inf"))
    with statements() as seen:
        await place.driver._sweep()
    assert len(seen) == 1, seen
