"""A run's check is one, shows what is new at its pace, and has the buttons that its end calls for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from automation.reasons import Conclusion, Reason
from bot.runs import check as check_module
from bot.runs.check import APPROVE, RETRY, RunCheck, buttons_of
from bot.runs.live import LiveRun
from bot.runs.run import End, State
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS
from tests.teller import eventually

FAILURE = End(
    Conclusion.FAILURE,
    Reason.EXIT_CODE,
    "exit code 3",
    3,
    "Failure: exit code 3",
    "**Failure**",
    "text",
    ({"path": "a.py", "start_line": 3, "message": "so it is"},),
)
PACE = 0.2


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "pause_before_update", lambda _: PACE)


@pytest.fixture
def check_of(place: Place) -> Callable[..., RunCheck]:
    place.bot.installations.apart = 0

    def make(**changes: Any) -> RunCheck:
        looks = changes.pop("looks", False)
        run = place.a_run(**changes)
        return RunCheck(
            place.bot.installations.client(run.repository, run.installation),
            LiveRun(run),
            place.bot.instance,
            place.app.id,
            place.bot.page_url(run),
            looks,
        )

    return make


@asynccontextmanager
async def kept_up(check: RunCheck, check_id: int) -> AsyncIterator[None]:
    task = asyncio.create_task(check.keep_up(check_id))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("end", "buttons"),
    [
        (SUCCESS, []),
        (FAILURE, [RETRY]),
        (End(Conclusion.CANCELLED, Reason.CANCELLED, "stopped"), [RETRY]),
        (End(Conclusion.ACTION_REQUIRED, Reason.FORK_NEEDS_APPROVAL, "look at it"), [APPROVE]),
        (End(Conclusion.ACTION_REQUIRED, Reason.NOT_ALLOWED, "no"), [RETRY]),
    ],
)
def test_buttons(end: End, buttons: list[object]) -> None:
    assert buttons_of(end) == buttons


@pytest.mark.parametrize("button", [RETRY, APPROVE])
def test_buttons_are_what_github_takes(button: Any) -> None:
    """At most 20, 40 and 20 characters: https://docs.github.com/en/rest/checks/runs#create-a-check-run."""
    assert len(button.label) <= 20
    assert len(button.description) <= 40
    assert len(button.identifier) <= 20


@pytest.mark.parametrize(
    ("state", "shown"),
    [(State.QUEUED, "queued"), (State.STARTING, "in_progress"), (State.RUNNING, "in_progress")],
)
async def test_it_begins_as_the_run_stands(
    place: Place, check_of: Callable[..., RunCheck], state: State, shown: str
) -> None:
    check = check_of(state=state)
    opened = await check.open()
    there = place.repository.check("hello")
    assert (opened.id, there.status) == (there.id, shown)
    assert there.details_url == place.bot.page_url(check.live.run)


async def test_a_driver_that_comes_later_finds_it(place: Place, check_of: Callable[..., RunCheck]) -> None:
    first = check_of()
    opened = await first.open()
    second = replace(first, looks=True)
    assert (await second.open()).id == opened.id
    assert len(place.repository.checks()) == 1


async def test_a_queued_one_begins_when_its_turn_has_come(
    place: Place, check_of: Callable[..., RunCheck]
) -> None:
    check = check_of()
    opened = await check.open()
    there = place.repository.check("hello")
    assert there.status == "queued"
    await check.start(opened.id)
    assert there.status == "in_progress"


async def test_what_is_new_is_shown(place: Place, check_of: Callable[..., RunCheck]) -> None:
    check = check_of(state=State.RUNNING)
    opened = await check.open()
    there = place.repository.check("hello")
    async with kept_up(check, opened.id):
        await asyncio.sleep(2 * PACE)
        check.live.output(b"a line\n")
        await eventually(lambda: "a line" in (there.text or ""), 3)
        assert all("status" not in write for write in there.writes[1:])


async def test_what_comes_during_the_pause_is_shown_after_it(
    place: Place, check_of: Callable[..., RunCheck]
) -> None:
    check = check_of(state=State.RUNNING)
    opened = await check.open()
    there = place.repository.check("hello")
    async with kept_up(check, opened.id):
        await asyncio.sleep(PACE / 2)
        check.live.output(b"the only line\n")
        await eventually(lambda: "the only line" in (there.text or ""), 3)


async def test_without_news_nothing_is_written(place: Place, check_of: Callable[..., RunCheck]) -> None:
    check = check_of(state=State.RUNNING)
    opened = await check.open()
    async with kept_up(check, opened.id):
        await asyncio.sleep(4 * PACE)
    assert len(place.repository.check("hello").writes) == 1


async def test_an_edit_that_is_lost_is_made_with_the_next_news(
    place: Place, check_of: Callable[..., RunCheck]
) -> None:
    check = check_of(state=State.RUNNING)
    opened = await check.open()
    there = place.repository.check("hello")
    place.github.fault("PATCH", "/check-runs/", status=502)
    async with kept_up(check, opened.id):
        await asyncio.sleep(1.5 * PACE)
        check.live.output(b"one\n")
        await eventually(lambda: any(each.status == 502 for each in place.github.requests), 3)
        await asyncio.sleep(1.5 * PACE)
        check.live.output(b"two\n")
        await eventually(lambda: "one\ntwo" in (there.text or ""), 3)


async def test_its_end_has_annotations_and_a_button(place: Place, check_of: Callable[..., RunCheck]) -> None:
    check = check_of(state=State.CONCLUDING)
    opened = await check.open()
    await check.conclude(opened.id, FAILURE)
    there = place.repository.check("hello").is_("failure")
    assert (there.title, there.summary, there.text) == (FAILURE.title, FAILURE.summary, FAILURE.text)
    assert [each["message"] for each in there.annotations] == ["so it is"]
    assert there.buttons == ["retry"]


async def test_concluded_again_it_is_left_as_it_is(place: Place, check_of: Callable[..., RunCheck]) -> None:
    check = check_of(state=State.CONCLUDING)
    opened = await check.open()
    await check.conclude(opened.id, FAILURE)
    await replace(check, looks=True).conclude(opened.id, SUCCESS)
    assert len(place.repository.check("hello").is_("failure").writes) == 2


async def test_a_start_that_arrives_after_the_end_does_not_undo_it(
    place: Place, check_of: Callable[..., RunCheck]
) -> None:
    """GitHub had the start for longer than we waited."""
    check = check_of()
    opened = await check.open()
    there = place.repository.check("hello")
    place.github.fault("PATCH", "/check-runs/", status=502)
    await check.start(opened.id)
    await check.conclude(opened.id, FAILURE)
    there.is_("failure")
    reads = [each for each in place.requests() if each == f"GET /check-runs/{opened.id}"]
    assert len(reads) == 1
