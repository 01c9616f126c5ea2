"""A run that is looked at is seen to its end: live, then from the store, from any byte on, whoever drives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from automation.reasons import Conclusion, Reason
from bot import shown as module
from bot.pages.port import RunFilter, Unavailable
from bot.runs.live import LiveRun
from bot.runs.piece import Piece
from bot.runs.run import End, Run, State
from bot.shown import ShownRuns
from bot.store.errors import DatabaseUnavailable
from tests.bot.runs.place import Place, opened
from tests.bot.store.rows import SUCCESS
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.teller import eventually

type News = list[Piece | Run]


@pytest.fixture
async def place(github: FakeGitHub, server: RealServer, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, github, server) as place:
        yield place


@pytest.fixture
def shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> ShownRuns:
    monkeypatch.setattr(module, "LOOKS_EVERY", 0.05)
    return ShownRuns(place.bot.store, place.driver)


async def collect(shown: ShownRuns, run: Run, offset: int = 0, into: News | None = None) -> News:
    """All that is shown, as it comes."""
    found: News = [] if into is None else into
    async with asyncio.timeout(30), aclosing(shown.follow(run.id, offset)) as following:
        async for news in following:
            found.append(news)
    return found


def text(news: News) -> bytes:
    return b"".join(each.data for each in news if isinstance(each, Piece))


def states(news: News) -> list[State]:
    found = [each.state for each in news if isinstance(each, Run)]
    return [state for number, state in enumerate(found) if number == 0 or state is not found[number - 1]]


async def an_ended(place: Place, head: bytes = b"0123456789", tail: bytes = b"", size: int = 10) -> Run:
    run = place.a_run(state=State.ENDED, end=SUCCESS, ended_at=1)
    assert await place.bot.store.runs.add(run)
    await place.bot.store.outputs.keep(run.id, head, tail, size)
    return run


class TestEnded:
    async def test_all_of_it_is_there(self, place: Place, shown: ShownRuns) -> None:
        run = await an_ended(place)
        assert await shown.run(run.id) == run
        assert await shown.output(run.id) == [Piece(0, b"0123456789")]
        assert await collect(shown, run) == [run, Piece(0, b"0123456789")]

    async def test_what_is_left_out_is_a_gap(self, place: Place, shown: ShownRuns) -> None:
        run = await an_ended(place, b"head", b"tail", 100)
        assert await shown.output(run.id) == [Piece(0, b"head"), Piece(96, b"tail")]

    @pytest.mark.parametrize(
        ("offset", "starts"), [(0, [0, 96]), (4, [96]), (50, [96]), (100, []), (999, [])]
    )
    async def test_only_what_is_new_is_given(
        self, place: Place, shown: ShownRuns, offset: int, starts: list[int]
    ) -> None:
        run = await an_ended(place, b"head", b"tail", 100)
        news = await collect(shown, run, offset)
        assert [each.start for each in news if isinstance(each, Piece)] == starts

    async def test_without_output_there_is_only_the_end(self, place: Place, shown: ShownRuns) -> None:
        run = place.a_run(state=State.ENDED, end=SUCCESS)
        assert await place.bot.store.runs.add(run)
        assert await collect(shown, run) == [run]


async def test_what_nobody_knows_is_nothing(place: Place, shown: ShownRuns) -> None:
    assert await shown.run(uuid4()) is None
    assert await shown.output(uuid4()) == []
    assert await collect(shown, place.a_run()) == []


async def test_a_real_one_from_its_acceptance_to_its_end(place: Place, shown: ShownRuns) -> None:
    place.automation("for n in 1 2 3 4 5; do echo line $n; sleep 0.3; done")
    async with place.driver.driving():
        run = await place.add()
        news = await collect(shown, run)
    expected = b"".join(b"line %d\n" % number for number in range(1, 6))
    assert text(news) == expected
    assert len([each for each in news if isinstance(each, Piece)]) > 1
    last = [each for each in news if isinstance(each, Run)][-1]
    assert last.state is State.ENDED
    assert last.is_success
    assert await shown.output(run.id) == [Piece(0, expected)]


async def test_through_the_hands_of_several_drivers(place: Place, shown: ShownRuns) -> None:
    """It waits for its turn, is begun, is left, is taken over with its output read anew, and ends."""
    first = await place.add()
    news: News = []
    task = asyncio.create_task(collect(shown, first, into=news))
    await eventually(lambda: states(news) == [State.QUEUED])

    async def drive(data: bytes, **changes: object) -> None:
        run = await place.bot.store.runs.take(first.id)
        assert run is not None
        live = LiveRun(run)
        place.driver._driven[run.id] = _Held(live)  # type: ignore[assignment]
        place.driver._tell()
        for at in range(0, len(data), 3):
            live.output(data[at : at + 3])
            await asyncio.sleep(0.01)
        live.become(replace(run, **changes))  # type: ignore[arg-type]
        head, tail = live.excerpt.kept
        await place.bot.store.outputs.keep(run.id, head, tail, live.excerpt.total)
        assert await place.bot.store.runs.save(live.run)
        place.driver._end(live)

    await drive(b"")
    await drive(b"01234", state=State.RUNNING)
    await eventually(lambda: states(news)[-1] is State.RUNNING)
    await drive(b"0123456789", state=State.CONCLUDING, end=SUCCESS)
    await eventually(lambda: states(news)[-1] is State.CONCLUDING)
    assert not task.done()
    await drive(b"0123456789", state=State.ENDED)
    await task
    assert states(news) == [State.QUEUED, State.RUNNING, State.CONCLUDING, State.ENDED]
    assert text(news)[:10] == b"0123456789"


class _Held:
    """What the driver keeps of a run whose driver is the test."""

    def __init__(self, live: LiveRun) -> None:
        self.live = live


async def test_whoever_leaves_is_no_watcher_any_more(place: Place, shown: ShownRuns) -> None:
    place.automation("echo started; sleep 300")
    async with place.driver.driving():
        run = await place.add()
        async with aclosing(shown.follow(run.id, 0)) as following:
            async for news in following:
                if isinstance(news, Piece):
                    break
            live = place.driver.live(run.id)
            assert live is not None
            assert live.attention.pause == 1
        await eventually(lambda: live.attention.pause > 1, 2)
        await place.driver.stop(run, "@bob")
        await place.reaches(run, State.ENDED)


async def test_one_that_was_followed_only_after_it_began_is_seen_whole(
    place: Place, shown: ShownRuns
) -> None:
    place.automation("echo one; sleep 1; echo two")
    async with place.driver.driving():
        run = await place.add()
        await place.reaches(run, State.RUNNING)
        assert text(await collect(shown, run, 4)) == b"two\n"


async def test_the_recent_ones(place: Place, shown: ShownRuns) -> None:
    failed = End(Conclusion.FAILURE, Reason.EXIT_CODE, "no")
    known = [
        place.a_run(accepted_at=1, actor="bob"),
        place.a_run(accepted_at=2, end=failed, state=State.ENDED),
        place.a_run(accepted_at=3, automation="lint", end=SUCCESS, state=State.ENDED),
    ]
    for run in known:
        assert await place.bot.store.runs.add(run)
    bob, fails, lint = known
    for wanted, expected in (
        (RunFilter(), [lint, fails, bob]),
        (RunFilter(repository="octo/demo"), [lint, fails, bob]),
        (RunFilter(repository="octo/other"), []),
        (RunFilter(actor="bob"), [bob]),
        (RunFilter(automation="lint"), [lint]),
        (RunFilter(state=State.QUEUED), [bob]),
        (RunFilter(conclusion=Conclusion.FAILURE), [fails]),
    ):
        assert await shown.recent(wanted, None, 10) == expected
    assert await shown.recent(RunFilter(), 3, 1) == [fails]


@pytest.mark.parametrize("wanted", [RunFilter(repository="Octo/DEMO"), RunFilter(actor="ALICE")])
async def test_names_are_looked_for_in_any_case(place: Place, shown: ShownRuns, wanted: RunFilter) -> None:
    run = place.a_run()
    assert await place.bot.store.runs.add(run)
    assert await shown.recent(wanted, None, 10) == [run]


async def test_days_are_counted_with_what_is_no_success(place: Place, shown: ShownRuns) -> None:
    ends = [
        None,
        SUCCESS,
        *(End(each, Reason.CANCELLED, "") for each in Conclusion if each is not Conclusion.SUCCESS),
    ]
    for end in ends:
        assert await place.bot.store.runs.add(
            place.a_run(end=end, state=State.ENDED if end else State.QUEUED)
        )
    days = await shown.per_day(2)
    assert [(day.total, day.failed) for day in days] == [(0, 0), (len(ends), len(ends) - 2)]


async def test_a_database_that_is_away_is_told_as_such(
    place: Place, shown: ShownRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("the disk is full")

    for name in ("get", "recent"):
        monkeypatch.setattr(place.bot.store.runs, name, fail)
    monkeypatch.setattr(place.bot.store.run_lists, "per_day", fail)
    monkeypatch.setattr(place.bot.store.outputs, "of", fail)
    for question in (
        shown.run(uuid4()),
        shown.output(uuid4()),
        shown.recent(RunFilter(), None, 1),
        shown.per_day(1),
        anext(shown.follow(uuid4(), 0)),
    ):
        with pytest.raises(Unavailable):
            await question
