"""A check run of ours does not stay pending because nobody drives its run."""

import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from automation.external_id import ExternalId, Face
from automation.reasons import Conclusion, Reason
from bot.runs.owner import keys_of
from bot.runs.run import End, Run, State
from bot.store.schema import runs
from bot.watchdog import PendingChecks
from bot.watchdog import pending_checks as module
from tests.bot.runs.place import Place
from tests.fakes.github.checks import CheckRun

ENDED = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3, "Failed", "It failed.", "")


def pending(place: Place, run: Run) -> CheckRun:
    """A check run of the bot's App that nobody has completed."""
    return made(place, keys_of(run, place.bot.instance), run.head_sha)


def made(place: Place, keys: ExternalId, sha: str) -> CheckRun:
    body = {"name": "hello", "head_sha": sha, "status": "in_progress", "external_id": str(keys)}
    return place.repository.create_check(body, place.app)


async def ended(place: Place, **changes: object) -> Run:
    """A run that is over for us."""
    over = {"state": State.ENDED, "end": ENDED, "ended_at": time.time()}
    run = place.a_run(**(over | changes))
    assert await place.bot.store.runs.add(run)
    return run


async def test_a_second_check_run_of_a_run_ends_as_the_run_did(place: Place) -> None:
    run = await ended(place)
    twin = pending(place, run)
    watchdog = PendingChecks(place.bot)
    assert await watchdog.watch() == 1
    twin.is_("failure")
    assert twin.summary == "It failed."
    await place.bot.deeds.keep()
    assert [each.kind for each in await place.bot.store.deeds.last()] == ["check-repeated"]
    assert await watchdog.watch() == 0


async def test_one_whose_run_nobody_knows_is_lost(place: Place) -> None:
    await ended(place, head_sha=place.main)
    check = pending(place, place.a_run())
    assert await PendingChecks(place.bot).watch() == 1
    check.is_("failure")
    assert module.UNKNOWN in (check.summary or "")
    assert b'watchdog_actions_total{what="check-lost"} 1.0' in place.bot.metrics.text()


async def test_what_is_driven_or_of_others_is_left(place: Place) -> None:
    live = place.a_run(state=State.RUNNING)
    assert await place.bot.store.runs.add(live)
    others = ExternalId(Face.BOT, "another", uuid4(), 1, 1800000000)
    actions = ExternalId(Face.ACTION, "4242", uuid4(), 1, 1800000000)
    checks = [pending(place, live), *(made(place, keys, live.head_sha) for keys in (others, actions))]
    assert await PendingChecks(place.bot).watch() == 0
    assert not any(check.is_completed for check in checks)


async def test_one_whose_run_only_a_newer_version_can_read_is_left_to_that(place: Place) -> None:
    run = await ended(place)
    check, twin = pending(place, place.a_run()), pending(place, run)
    newer = place.a_run(id=check_run_id(check))
    assert await place.bot.store.runs.add(newer)
    async with place.bot.store.database.writing() as connection:
        await connection.execute(update(runs).where(runs.c.id == str(newer.id)).values(policy="newer"))
    assert await PendingChecks(place.bot).watch() == 1
    assert not check.is_completed
    twin.is_("failure")


def check_run_id(check: CheckRun) -> UUID:
    """Of the run that it names."""
    keys = ExternalId.parse(check.external_id)
    assert keys is not None
    return keys.run


async def test_a_pass_reads_no_more_than_it_may(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READS", 3)
    for number in range(5):
        await ended(place, head_sha=place.checkout.commit(f"Commit {number}"))
    watchdog = PendingChecks(place.bot)
    place.github.requests.clear()
    await watchdog.watch()
    assert sum("/check-runs" in each.path for each in place.github.requests) == 3
    await watchdog.watch()
    seen = {each.path for each in place.github.requests if "/check-runs" in each.path}
    assert len(seen) == 6, "five commits, and the head of the pull request"


async def test_heads_of_pull_requests_are_looked_at_in_turns(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READS_OF_HEADS", 2)
    await ended(place, head_sha=place.main, ended_at=1.0)
    for number in range(8, 13):
        place.repository.pull(number, head=place.checkout.commit(f"Commit {number}"), author="bob")
    watchdog = PendingChecks(place.bot)
    watchdog._reads_left = 2
    for looked_at in (1, 3, 5, 6):
        await watchdog.watch()
        seen = [each.path for each in place.github.requests if "/check-runs" in each.path]
        # The first read, and each one after a round, is of the list.
        assert (len(seen), len(set(seen))) == (looked_at, looked_at)


async def test_at_the_start_it_looks_at_more_than_one_repository(place: Place) -> None:
    for name in ("octo/one", "octo/two", "octo/three"):
        place.github.repository(name, git=place.checkout.path)
        place.app.install(name)
        run = await ended(place, repository=name, head_sha=place.main, ended_at=1.0)
        place.github.repository_named(name).pull(7, head=run.head_sha, author="bob")
    place.github.requests.clear()
    await PendingChecks(place.bot).watch()
    listed = {each.path.split("/pulls")[0] for each in place.github.requests if "/pulls" in each.path}
    assert len(listed) == 3


async def test_trouble_with_one_does_not_keep_it_from_the_others(place: Place) -> None:
    gone = await ended(place, head_sha="0" * 40)
    run = await ended(place)
    check = pending(place, run)
    assert await PendingChecks(place.bot).watch() == 1
    check.is_("failure")
    assert gone.head_sha != run.head_sha


async def test_there_is_nothing_to_do_where_there_was_never_a_run(place: Place) -> None:
    assert await PendingChecks(place.bot).watch() == 0
