"""The rows of comments that the bot has written: status comments, edited in place, and replies, made once."""

from dataclasses import dataclass

from sqlalchemy import delete, select

from bot.store.database import Database, insert
from bot.store.schema import comments, replies


@dataclass(frozen=True)
class StatusComment:
    """The comment that shows an automation's runs on an issue or a pull request.

    Attributes:
        comment_id, node_id: of the REST and of the GraphQL API.
        body_digest: of what it says, so that it is not written again.
    """

    repository: str
    number: int
    automation: str
    comment_id: int
    node_id: str
    body_digest: str


class CommentRows:
    """All methods raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, repository: str, number: int, automation: str) -> StatusComment | None:
        key = {"repository": repository, "number": number, "automation": automation}
        looking = select(comments).where(*(comments.c[name] == value for name, value in key.items()))
        async with self._database.reading() as connection:
            row = (await connection.execute(looking)).mappings().one_or_none()
        return None if row is None else StatusComment(**row)

    async def save(self, comment: StatusComment) -> None:
        """Remember this one in place of an earlier one."""
        shown = {name: getattr(comment, name) for name in ("comment_id", "node_id", "body_digest")}
        key = {name: getattr(comment, name) for name in ("repository", "number", "automation")}
        saving = insert(comments).values(**key, **shown)
        async with self._database.writing() as connection:
            await connection.execute(saving.on_conflict_do_update(index_elements=list(key), set_=shown))

    async def forget(self, comment_id: int) -> None:
        """It has been deleted on GitHub."""
        async with self._database.writing() as connection:
            await connection.execute(delete(comments).where(comments.c.comment_id == comment_id))


class ReplyRows:
    """Replies are intended before they are made: after a crash between both, GitHub is asked whether one is there.

    All methods raise `DatabaseUnavailable`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, key: str, at: float) -> bool:
        """Say that this reply is going to be made.

        Args:
            key: what makes it the same reply, such as the id of the comment and the rule.
            at: Unix time in seconds.

        Returns:
            False if somebody has said so before.
        """
        intending = insert(replies).values(key=key, comment_id=0, at=at).on_conflict_do_nothing()
        async with self._database.writing() as connection:
            return (await connection.execute(intending)).rowcount == 1

    async def made(self, key: str, comment_id: int, at: float) -> None:
        """It is on GitHub, as this comment."""
        shown = {"comment_id": comment_id, "at": at}
        making = insert(replies).values(key=key, **shown)
        async with self._database.writing() as connection:
            await connection.execute(making.on_conflict_do_update(index_elements=["key"], set_=shown))

    async def comment_of(self, key: str) -> int | None:
        """The comment with this reply, 0 while it is only intended, None if it is not even that."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(replies.c.comment_id).where(replies.c.key == key))
            return found.scalar_one_or_none()

    async def prune(self, before: float) -> int:
        """Forget those from before a Unix time; returns how many."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(replies).where(replies.c.at < before))).rowcount
