"""`issue_comment`: somebody wrote a comment on an issue or a pull request. Pure.

Only new comments are read. An edited one could put a command under an old name, and a deleted one says nothing
any more.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment
"""

from dataclasses import dataclass
from typing import Self

from bot.events.fields import at, number, text
from bot.events.origin import Origin, Person


@dataclass(frozen=True)
class CommentCreated:
    """A new comment.

    Attributes:
        number: of the issue or pull request.
        via_app: id of the App that wrote it in the author's name; 0 for none.
    """

    origin: Origin
    number: int
    is_pull_request: bool
    comment_id: int
    body: str
    author: Person
    via_app: int

    @classmethod
    def read(cls, payload: object) -> Self | None:
        """The comment; None for other actions, and for a payload that lacks what names or makes a comment."""
        origin = Origin.read(payload)
        issue, comment = at(payload, "issue"), at(payload, "comment")
        issue_number, comment_id = number(at(issue, "number")), number(at(comment, "id"))
        body = text(at(comment, "body"))
        if at(payload, "action") != "created" or not (origin and issue_number and comment_id and body):
            return None
        return cls(
            origin=origin,
            number=issue_number,
            is_pull_request=at(issue, "pull_request") is not None,
            comment_id=comment_id,
            body=body,
            author=Person.read(at(comment, "user")),
            via_app=number(at(comment, "performed_via_github_app", "id")),
        )
