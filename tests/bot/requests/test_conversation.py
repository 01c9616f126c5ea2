"""A reply is made once, whatever dies in between, and of some only the newest is worth reading."""

from dataclasses import replace
from typing import Any

import pytest

from automation.github import GitHubUnavailable
from bot.github.comments import Reaction
from bot.replies.marker import marker
from bot.requests.conversation import Conversation
from tests.bot.runs.place import Place
from tests.fakes.github.comments import Comment
from tests.teller import eventually


@pytest.fixture
def talk(place: Place) -> Conversation:
    github = place.bot.installations.client("octo/demo", place.installation)
    return Conversation(place.bot, github, "octo/demo", 7)


def said(place: Place) -> list[Comment]:
    return [each for each in place.repository.comments_on(7) if each.author == place.app.bot]


async def test_a_reply_begins_with_its_marker_and_is_made_once(place: Place, talk: Conversation) -> None:
    assert await talk.say("reply/99", "Hello")
    assert not await talk.say("reply/99", "Hello again")
    assert [each.body for each in said(place)] == [f"{marker('reply/99')}\nHello"]
    before = len(place.requests())
    assert not await talk.say("reply/99", "Hello")
    assert len(place.requests()) == before


async def test_another_key_another_number_another_reply(place: Place, talk: Conversation) -> None:
    place.repository.issue(8)
    assert await talk.say("reply/99", "Hello")
    assert await talk.say("reply/98", "Hello")
    assert await replace(talk, number=8).say("reply/99", "Hello")
    assert len(said(place)) == 2


@pytest.mark.parametrize("fault", [{"status": 502, "after_effect": True}, {"status": 502}])
async def test_what_died_in_between_is_found_again(
    place: Place, talk: Conversation, fault: dict[str, Any]
) -> None:
    talk.github.patience = 0
    place.github.fault("POST", "/comments$", **fault)
    with pytest.raises(GitHubUnavailable):
        await talk.say("reply/99", "Hello")
    assert await talk.say("reply/99", "Hello")
    assert not await talk.say("reply/99", "Hello")
    assert len(said(place)) == 1


async def test_where_nobody_may_speak_nothing_is_said(place: Place, talk: Conversation) -> None:
    place.github.fault("POST", "/comments$", status=403, body={"message": "Unable to create comment: locked"})
    assert not await talk.say("reply/99", "Hello")
    assert said(place) == []


async def test_of_a_kind_the_older_one_is_folded_away(place: Place, talk: Conversation) -> None:
    for number in range(3):
        assert await talk.say(f"reply/{number}", "Hello", kind="status")
    assert await talk.say("reply/9", "Hello", kind="help")
    folded = ["OUTDATED", "OUTDATED", None, None]
    await eventually(lambda: [each.minimized for each in said(place)] == folded)


async def test_it_reacts_to_what_it_answers(place: Place, talk: Conversation) -> None:
    comment = place.repository.comment(7, "/run-automation", author="alice")
    talk.react(Reaction.CONFUSED)
    replace(talk, comment_id=comment.id).react(Reaction.EYES)
    await eventually(lambda: comment.reacted == ["eyes"])


async def test_nobody_waits_for_a_reaction(place: Place, talk: Conversation) -> None:
    comment = place.repository.comment(7, "/run-automation", author="alice")
    fault = place.github.fault("POST", "/reactions$", status=503, times=None)
    replace(talk, comment_id=comment.id).react(Reaction.EYES)
    await eventually(lambda: fault.hits > 0)
    assert await talk.say("reply/99", "Hello")
    assert comment.reacted == []
