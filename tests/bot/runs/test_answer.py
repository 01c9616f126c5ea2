"""On a pull request each automation has one comment, which is edited, and each command its reaction."""

import asyncio
import time
from dataclasses import replace

import pytest

from automation.github import GitHubUnavailable
from automation.reasons import Conclusion, Reason
from bot.replies.marker import marker
from bot.runs import answer as module
from bot.runs.answer import Answer
from bot.runs.live import LiveRun
from bot.runs.run import End, Run, State
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS
from tests.fakes.github.comments import Comment

FAILURE = End(Conclusion.FAILURE, Reason.EXIT_CODE, "exit code 3", 3)
MARK = marker("status/hello")


@pytest.fixture
def answer(place: Place) -> Answer:
    place.bot.installations.apart = 0
    return Answer(place.bot, place.bot.installations.client("octo/demo", place.installation))


async def a_row(place: Place, **changes: object) -> Run:
    run = place.a_run(**{"end": SUCCESS, "ended_at": time.time(), "state": State.CONCLUDING, **changes})
    assert await place.bot.store.runs.add(run)
    return run


def said(place: Place) -> list[Comment]:
    return [each for each in place.repository.comments_on(7) if each.author == place.app.bot]


async def test_one_comment_is_made_and_then_edited(place: Place, answer: Answer) -> None:
    first = await a_row(place, accepted_at=time.time() - 5)
    await answer.finish(first)
    [comment] = said(place)
    assert comment.body.startswith(MARK)
    assert str(first.id) in comment.body
    second = await a_row(place, end=FAILURE)
    await answer.finish(second)
    assert said(place) == [comment]
    assert str(second.id) in comment.body
    assert str(first.id) in comment.body


async def test_what_says_the_same_is_not_written_again(place: Place, answer: Answer) -> None:
    run = await a_row(place)
    await answer.finish(run)
    before = len(place.requests())
    await answer.finish(run)
    assert len(place.requests()) == before


async def test_each_automation_has_its_own(place: Place, answer: Answer) -> None:
    await answer.finish(await a_row(place))
    await answer.finish(await a_row(place, automation="lint", name="Lint"))
    assert len(said(place)) == 2


async def test_two_at_once_make_one(place: Place, answer: Answer) -> None:
    runs = [await a_row(place) for _ in range(4)]
    await asyncio.gather(*(answer.finish(run) for run in runs))
    assert len(said(place)) == 1


async def test_one_that_was_deleted_is_made_anew(place: Place, answer: Answer) -> None:
    await answer.finish(await a_row(place))
    said(place)[0].delete()
    await answer.finish(await a_row(place, end=FAILURE))
    assert len(said(place)) == 1


async def test_what_died_in_between_is_found_again(place: Place, answer: Answer) -> None:
    answer.github.patience = 0
    run = await a_row(place)
    place.github.fault("POST", "/comments$", status=502, after_effect=True)
    with pytest.raises(GitHubUnavailable):
        await answer.finish(run)
    await answer.finish(run)
    assert len(said(place)) == 1


async def test_where_nobody_may_speak_nothing_is_said_and_that_is_no_trouble(
    place: Place, answer: Answer
) -> None:
    place.github.fault("POST", "/comments$", status=403, body={"message": "locked"})
    await answer.finish(await a_row(place))
    assert said(place) == []


@pytest.mark.parametrize(
    ("end", "reaction"),
    [
        (SUCCESS, "rocket"),
        (FAILURE, "confused"),
        (End(Conclusion.CANCELLED, Reason.CANCELLED, ""), "confused"),
    ],
)
async def test_the_command_gets_its_reaction(place: Place, answer: Answer, end: End, reaction: str) -> None:
    comment = place.repository.comment(7, "/run-automation hello", author="alice")
    await answer.finish(await a_row(place, end=end, comment_id=comment.id))
    assert comment.reacted == [reaction]


@pytest.mark.parametrize("changes", [{"pull_request": None}, {"has_check": False}])
async def test_what_is_on_no_pull_request_is_told_on_none(
    place: Place, answer: Answer, changes: dict[str, object]
) -> None:
    await answer.finish(await a_row(place, **changes))
    assert place.requests() == []


async def test_only_what_takes_long_is_told_before_its_end(
    place: Place, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await a_row(place, end=None, ended_at=0, state=State.RUNNING)
    monkeypatch.setattr(module, "TELL_AFTER", 3600)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer.keep_up(LiveRun(run)), 0.1)
    assert said(place) == []
    monkeypatch.setattr(module, "TELL_AFTER", 0)
    await answer.keep_up(LiveRun(run))
    [comment] = said(place)
    over = replace(run, end=FAILURE, ended_at=time.time())
    await answer.finish(over)
    assert said(place) == [comment]
    assert "exit code 3" in comment.body


async def test_github_away_while_it_runs_is_no_trouble(
    place: Place, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TELL_AFTER", 0)
    answer.github.patience = 0
    place.github.fault("POST", "/comments$", status=503)
    await answer.keep_up(LiveRun(await a_row(place, end=None, state=State.RUNNING)))
    assert said(place) == []
