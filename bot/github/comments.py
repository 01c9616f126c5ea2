"""Comments on a pull request and reactions to them, each made once.

A comment of ours begins with a hidden marker. Before one is created its intent is noted; whoever finds an intent
without an answer looks for the marker first, so that neither a lost answer nor our death makes a second one.
Reactions are idempotent on GitHub's side.

Sources: https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/rest/reactions/reactions
and https://docs.github.com/en/graphql/reference/mutations#minimizecomment
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from automation.github.answers import understood
from automation.github.client import GitHub
from automation.github.errors import GitHubNotAsked, GitHubRefuses, GitHubUnavailable

MOST_LISTED = 1000
LOOKS_BACK = 30 * 24 * 3600.0
"""Seconds for which what was intended may be there: the oldest comments of a long conversation are not read."""

SKEW = 3600.0
"""Seconds that GitHub's clock and what we know of it may be apart."""

GONE = frozenset({404, 410})
MINIMIZE = """mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}"""


class Reaction(StrEnum):
    """What the bot shows on a command."""

    EYES = "eyes"
    ROCKET = "rocket"
    CONFUSED = "confused"


@dataclass(frozen=True)
class Comment:
    """A comment of ours."""

    id: int
    node_id: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "Comment":
        with understood("a comment"):
            return cls(int(answer["id"]), str(answer.get("node_id") or ""))


@dataclass(frozen=True)
class Comments:
    """The comments of one repository."""

    github: GitHub
    app_id: int

    async def create(self, number: int, body: str, marker: str, *, looks: bool) -> Comment:
        """A comment with this body, found by its marker or created.

        Args:
            looks: it may be there already.

        Raises:
            GitHubRefuses: it says no: locked, gone, without permission.
            GitHubUnavailable: patience is spent.
        """
        tried = looks
        back = LOOKS_BACK if looks else SKEW

        async def attempt() -> Comment:
            nonlocal tried
            if tried and (found := await self.find(number, marker, self.github.clock.now() - back)):
                return found
            tried = True
            return Comment.read(await self.github.post(f"/issues/{number}/comments", {"body": body}))

        return await self.github.bear(attempt)

    async def find(self, number: int, marker: str, since: float = 0) -> Comment | None:
        """Our first comment that begins with the marker.

        Args:
            since: Unix time in seconds; what has not been touched after it is not looked at.
        """
        after = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/issues/{number}/comments"
        listed = self.github.pages(path, None, limit=MOST_LISTED, once=True, since=after)
        async for item in listed:
            with understood("a comment"):
                app = item.get("performed_via_github_app") or {}
                if str(item["body"]).startswith(marker) and int(app.get("id") or 0) == self.app_id:
                    return Comment.read(item)
        return None

    async def edit(self, comment_id: int, body: str) -> bool:
        """Replace its body; False if it is gone. Tried again: the same edit twice is one."""

        async def attempt() -> None:
            await self.github.patch_once(f"/issues/comments/{comment_id}", {"body": body})

        try:
            await self.github.bear(attempt)
        except GitHubRefuses as error:
            if error.status in GONE:
                return False
            raise
        return True

    async def react(self, comment_id: int, reaction: Reaction) -> None:
        """Put a reaction on somebody's comment; that it is gone or locked, or not worth a request, is no trouble.

        Raises:
            GitHubUnavailable: patience is spent.
        """

        async def attempt() -> None:
            await self.github.post(f"/issues/comments/{comment_id}/reactions", {"content": reaction.value})

        try:
            await self.github.bear(attempt)
        except (GitHubRefuses, GitHubNotAsked):
            return

    async def minimize(self, node_id: str) -> None:
        """Fold a comment of ours away as outdated; cosmetic, so that a no is taken."""
        try:
            await self.github.graphql(MINIMIZE, {"id": node_id})
        except GitHubUnavailable:
            return
