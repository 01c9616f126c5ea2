"""Whatever keeps a run from its end, it is told in the end, or given up."""

import time
from dataclasses import replace

import pytest

from automation.errors import AutomationError
from automation.reasons import Conclusion, Reason
from bot.runs.delays import Delays
from bot.runs.drive import Drive
from bot.runs.failures import DEFECTS, GIVE_UP_AFTER, Failures
from bot.runs.run import Run, State
from bot.store.errors import DatabaseUnavailable
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS


async def test_a_defect_is_told_on_the_check_after_three_tries(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def fail(_: Drive) -> None:
        nonlocal tries
        tries += 1
        raise ZeroDivisionError(place.bot.settings.webhook_secret)

    monkeypatch.setattr(Drive, "_conduct", fail)
    async with place.driver.driving():
        ended = await place.reaches(await place.add(), State.ENDED)
    assert tries == DEFECTS == 3
    assert ended.end is not None
    assert (ended.end.conclusion, ended.end.reason) == (Conclusion.FAILURE, Reason.INTERNAL_ERROR)
    check = place.repository.check("hello").is_("failure")
    assert "automation-bot itself failed: ZeroDivisionError" in (check.summary or "")
    assert b'automation_bot_defects_total{where="drive"} 3.0' in place.bot.metrics.text()
    assert place.bot.settings.webhook_secret not in caplog.text + (check.summary or "")


async def test_a_defect_that_passes_is_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    conduct, tries = Drive._conduct, 0

    async def fail_twice(drive: Drive) -> None:
        nonlocal tries
        tries += 1
        if tries < DEFECTS:
            raise ZeroDivisionError
        await conduct(drive)

    monkeypatch.setattr(Drive, "_conduct", fail_twice)
    async with place.driver.driving():
        assert (await place.reaches(await place.add(), State.ENDED)).is_success


async def test_after_days_it_is_given_up_to_tell_github(place: Place) -> None:
    place.github.fault("*", "check-runs", status=403, times=None, body={"message": "no"})
    ended_at = time.time() - GIVE_UP_AFTER
    async with place.driver.driving():
        new = await place.add(state=State.CONCLUDING, end=SUCCESS, ended_at=time.time())
        old = await place.add(state=State.CONCLUDING, end=SUCCESS, ended_at=ended_at - 60)
        await place.reaches(old, State.ENDED)
    assert (await place.now(new)).state is State.CONCLUDING


@pytest.fixture
def failures(place: Place) -> Failures:
    return Failures(place.bot, Delays())


async def taken(place: Place, **changes: object) -> Run:
    """A run that is driven by nobody but the test."""
    run = place.a_run(**changes)
    assert await place.bot.store.runs.add(run)
    found = await place.bot.store.runs.take(run.id, place.bot.replicas.id, others=(), goes=True)
    assert found is not None
    return found


async def test_what_has_failed_is_left_alone_for_a_while(place: Place, failures: Failures) -> None:
    run = await taken(place)
    await failures.expected(run, AutomationError("GitHub is away"))
    assert run.id in failures.delays.put_off_now
    assert await place.now(run) == run


async def test_an_outage_is_no_defect(place: Place, failures: Failures) -> None:
    run = await taken(place)
    for _ in range(2):
        await failures.expected(run, DatabaseUnavailable("the database is away"))
    for _ in range(DEFECTS - 1):
        await failures.defect(run, ZeroDivisionError())
        await failures.expected(run, DatabaseUnavailable("the database is away"))
        assert (await place.now(run)).end is None
    await failures.defect(run, ZeroDivisionError())
    assert (await place.now(run)).state is State.CONCLUDING


async def test_a_defect_in_telling_ends_the_run_untold(place: Place, failures: Failures) -> None:
    run = await taken(place, state=State.CONCLUDING, end=SUCCESS, ended_at=time.time())
    for _ in range(DEFECTS):
        assert (await place.now(run)).state is State.CONCLUDING
        await failures.defect(run, ZeroDivisionError())
    assert (await place.now(run)).state is State.ENDED
    assert (await place.now(run)).end == SUCCESS


async def test_what_cannot_be_written_is_left_to_the_next_sweep(
    place: Place, failures: Failures, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = replace(await taken(place), end=SUCCESS, ended_at=time.time() - GIVE_UP_AFTER - 60)

    async def fail(_: Run) -> bool:
        raise DatabaseUnavailable("the disk is full")

    monkeypatch.setattr(place.bot.store.runs, "save", fail)
    await failures.expected(run, AutomationError("GitHub is away"))
    assert "not written: the disk is full" in caplog.text
