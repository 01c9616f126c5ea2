"""A status comment is found again and replaced; a reply is made once."""

from dataclasses import replace

from bot.store import Database
from bot.store.comments import CommentRows, ReplyRows, StatusComment
from tests.bot.store.rows import NOW

COMMENT = StatusComment("octo/demo", 7, "review", 2**40, "IC_x", "digest")


async def test_a_status_comment_is_found_again(database: Database) -> None:
    rows = CommentRows(database)
    lint = replace(COMMENT, automation="lint", comment_id=2)
    assert await rows.get("octo/demo", 7, "review") is None
    for comment in (COMMENT, lint, replace(COMMENT, number=8), replace(COMMENT, repository="octo/other")):
        await rows.save(comment)
    assert await rows.get("octo/demo", 7, "review") == COMMENT
    assert await rows.get("octo/demo", 7, "lint") == lint


async def test_a_status_comment_takes_the_place_of_an_earlier_one(database: Database) -> None:
    rows = CommentRows(database)
    await rows.save(COMMENT)
    later = replace(COMMENT, comment_id=5, node_id="IC_y", body_digest="other")
    await rows.save(later)
    assert await rows.get("octo/demo", 7, "review") == later


async def test_a_status_comment_that_was_deleted_is_forgotten(database: Database) -> None:
    rows = CommentRows(database)
    await rows.save(COMMENT)
    await rows.forget(COMMENT.comment_id + 1)
    assert await rows.get("octo/demo", 7, "review") == COMMENT
    await rows.forget(COMMENT.comment_id)
    assert await rows.get("octo/demo", 7, "review") is None


async def test_a_reply_is_intended_once(database: Database) -> None:
    rows = ReplyRows(database)
    assert await rows.comment_of("refused/1") is None
    assert await rows.intend("refused/1", NOW)
    assert await rows.comment_of("refused/1") == 0
    assert not await rows.intend("refused/1", NOW)
    await rows.made("refused/1", 2**40, NOW)
    assert not await rows.intend("refused/1", NOW)
    assert await rows.comment_of("refused/1") == 2**40


async def test_a_reply_may_be_made_without_having_been_intended(database: Database) -> None:
    rows = ReplyRows(database)
    await rows.made("refused/1", 5, NOW)
    assert await rows.comment_of("refused/1") == 5


async def test_replies_are_forgotten(database: Database) -> None:
    rows = ReplyRows(database)
    await rows.intend("a", NOW - 1)
    await rows.intend("b", NOW)
    assert await rows.prune(NOW) == 1
    assert [await rows.comment_of(key) for key in "ab"] == [None, 0]
