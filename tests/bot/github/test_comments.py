"""A comment of ours is made once, whatever is lost on the way, and nobody else's is taken for it."""

import json
from typing import Any

import pytest

from automation.github import GitHub, GitHubRefuses, GitHubUnavailable, client
from bot.github import comments as module
from bot.github.comments import Comments, Reaction
from bot.replies.marker import marker
from tests.fakes.github.apps import App
from tests.fakes.github.comments import Comment as FakeComment
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub

MARK = marker("status/hello")
BODY = f"{MARK}\nHello"
LOST: list[dict[str, Any]] = [
    {"status": 502, "after_effect": True},
    {"drop": True, "after_effect": True},
]
HOW = ["an error", "no answer"]
BEFORE: list[dict[str, Any]] = [{"status": 502}, {"drop": True}]


def asked(github: FakeGitHub) -> list[str]:
    """The methods of what was asked, once the token was there."""
    return [each.method for each in github.requests if "access_tokens" not in each.path]


def ours(repository: Repository, app: App, number: int = 7) -> list[FakeComment]:
    return [each for each in repository.comments_on(number) if each.author == app.bot]


async def test_it_is_created(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub
) -> None:
    made = await comments.create(7, BODY, MARK, looks=False)
    [there] = ours(repository, app)
    assert (made.id, made.node_id, there.body) == (there.id, there.node_id, BODY)
    assert asked(github) == ["POST"]


@pytest.mark.parametrize("fault", LOST, ids=HOW)
async def test_a_lost_answer_makes_no_second_one(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub, fault: dict[str, Any]
) -> None:
    github.fault("POST", "/comments$", **fault)
    made = await comments.create(7, BODY, MARK, looks=False)
    assert [each.id for each in ours(repository, app)] == [made.id]
    assert asked(github) == ["POST", "GET"]


@pytest.mark.parametrize("fault", BEFORE, ids=HOW)
async def test_what_did_not_happen_is_done_again(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub, fault: dict[str, Any]
) -> None:
    github.fault("POST", "/comments$", **fault)
    await comments.create(7, BODY, MARK, looks=False)
    assert len(ours(repository, app)) == 1
    assert asked(github) == ["POST", "GET", "POST"]


async def test_nothing_is_created_before_the_list_could_be_read(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub
) -> None:
    github.fault("POST", "/comments$", status=502, after_effect=True)
    github.fault("GET", "/comments$", status=502, times=2)
    await comments.create(7, BODY, MARK, looks=False)
    assert len(ours(repository, app)) == 1
    assert asked(github) == ["POST", "GET", "GET", "GET"]


async def test_one_that_may_be_there_is_looked_for(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub
) -> None:
    first = await comments.create(7, BODY, MARK, looks=False)
    assert await comments.create(7, "another text", MARK, looks=True) == first
    other = await comments.create(7, f"{marker('reply/1')}\nx", marker("reply/1"), looks=True)
    assert other != first
    assert [each.id for each in ours(repository, app)] == [first.id, other.id]
    assert asked(github) == ["POST", "GET", "GET", "POST"]


async def test_a_marker_that_somebody_else_wrote_is_none(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub
) -> None:
    other = github.app("other-bot", {"issues": "write"})
    repository.comment(7, BODY, author="mallory")
    repository.comment(7, BODY, author=other.bot, app=other)
    assert await comments.find(7, MARK) is None
    made = await comments.create(7, BODY, MARK, looks=True)
    assert [each.id for each in ours(repository, app)] == [made.id]


@pytest.mark.parametrize(
    "body", ["Hello", f"said before\n{MARK}", f" {MARK}", marker("status/hello2"), "> " + BODY]
)
async def test_only_at_the_very_beginning_it_counts(
    comments: Comments, repository: Repository, app: App, body: str
) -> None:
    repository.comment(7, body, author=app.bot, app=app)
    assert await comments.find(7, MARK) is None


async def test_another_conversation_is_another_one(
    comments: Comments, repository: Repository, app: App
) -> None:
    repository.issue(8)
    await comments.create(8, BODY, MARK, looks=False)
    assert await comments.find(7, MARK) is None


async def test_a_long_conversation_is_read_to_its_end(
    comments: Comments, repository: Repository, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PER_PAGE", 3)
    for number in range(7):
        repository.comment(7, f"{number}")
    last = repository.comment(7, BODY, author=app.bot, app=app)
    found = await comments.find(7, MARK)
    assert found is not None
    assert found.id == last.id


async def test_of_a_long_conversation_the_old_part_is_not_read(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than is ever listed has been said there, a day ago: what has just been made is found nevertheless."""
    monkeypatch.setattr(module, "MOST_LISTED", 4)
    github.advance(-24 * 3600)
    for number in range(7):
        repository.comment(7, f"{number}")
    github.advance(24 * 3600)
    github.fault("POST", "/comments$", status=502, after_effect=True)
    made = await comments.create(7, BODY, MARK, looks=False)
    assert [each.id for each in ours(repository, app)] == [made.id]


async def test_it_is_edited_in_place(comments: Comments, repository: Repository, app: App) -> None:
    made = await comments.create(7, BODY, MARK, looks=False)
    assert await comments.edit(made.id, "new")
    assert [each.body for each in ours(repository, app)] == ["new"]


@pytest.mark.parametrize("fault", [*LOST, *BEFORE])
async def test_an_edit_is_made_in_the_end(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub, fault: dict[str, Any]
) -> None:
    made = await comments.create(7, BODY, MARK, looks=False)
    github.fault("PATCH", "/comments/", **fault)
    assert await comments.edit(made.id, "new")
    assert [each.body for each in ours(repository, app)] == ["new"]


async def test_one_that_was_deleted_is_gone(comments: Comments, repository: Repository, app: App) -> None:
    made = await comments.create(7, BODY, MARK, looks=False)
    repository.comments[made.id].delete()
    assert not await comments.edit(made.id, "new")


async def test_somebody_elses_is_not_edited_without_being_told(
    comments: Comments, github: FakeGitHub, repository: Repository
) -> None:
    github.fault(
        "PATCH", "/comments/", status=403, body={"message": "Resource not accessible by integration"}
    )
    with pytest.raises(GitHubRefuses):
        await comments.edit(repository.comment(7, "mine").id, "new")


@pytest.mark.parametrize("fault", [{}, *LOST, *BEFORE])
async def test_a_reaction_is_there_once(
    comments: Comments, repository: Repository, github: FakeGitHub, fault: dict[str, Any]
) -> None:
    comment = repository.comment(7, "/run-automation hello", author="alice")
    if fault:
        github.fault("POST", "/reactions$", **fault)
    await comments.react(comment.id, Reaction.EYES)
    await comments.react(comment.id, Reaction.EYES)
    await comments.react(comment.id, Reaction.ROCKET)
    assert comment.reacted == ["eyes", "rocket"]


async def test_a_comment_that_is_gone_gets_no_reaction_and_that_is_no_trouble(
    comments: Comments, repository: Repository
) -> None:
    comment = repository.comment(7, "x")
    comment.delete()
    await comments.react(comment.id, Reaction.EYES)


async def test_github_away_is_trouble(comments: Comments, hub: GitHub, github: FakeGitHub) -> None:
    hub.patience = 0
    github.fault("*", "/repos/", status=503, times=None)
    for question in (
        comments.create(7, BODY, MARK, looks=False),
        comments.edit(1, "new"),
        comments.react(1, Reaction.EYES),
        comments.find(7, MARK),
    ):
        with pytest.raises(GitHubUnavailable):
            await question


async def test_an_older_one_is_folded_away(comments: Comments, repository: Repository, app: App) -> None:
    made = await comments.create(7, BODY, MARK, looks=False)
    await comments.minimize(made.node_id)
    assert [each.minimized for each in ours(repository, app)] == ["OUTDATED"]


async def test_that_it_cannot_be_folded_is_taken(
    comments: Comments, repository: Repository, app: App, github: FakeGitHub
) -> None:
    await comments.minimize("IC_nothing")
    made = await comments.create(7, BODY, MARK, looks=False)
    github.fault("POST", "graphql", status=502)
    await comments.minimize(made.node_id)
    assert [each.minimized for each in ours(repository, app)] == [None]


FOREIGN = json.dumps([{"body": BODY, "performed_via_github_app": 5}])


@pytest.mark.parametrize(
    "body", ["[{}]", '[{"id": 1}]', "[5]", '{"message": "x"}', "null", "<html>", FOREIGN]
)
async def test_an_answer_of_another_form_is_none(
    comments: Comments, hub: GitHub, github: FakeGitHub, body: str
) -> None:
    hub.patience = 0
    github.fault("GET", "/comments$", status=200, body=body)
    with pytest.raises(GitHubUnavailable):
        await comments.find(7, MARK)
    github.fault("POST", "/comments$", status=201, body="{}")
    with pytest.raises(GitHubUnavailable):
        await comments.create(7, BODY, MARK, looks=False)
