"""The bot's side of a conversation on one pull request: each reply is made once, whatever dies in between."""

from dataclasses import dataclass

from automation.github import GitHub, GitHubRefuses
from automation.github.lane import Lane
from bot.bot import Bot
from bot.github.comments import Comments, Reaction
from bot.replies.marker import marker


@dataclass(frozen=True)
class Conversation:
    """One pull request.

    Attributes:
        comment_id: what is answered.
    """

    bot: Bot
    github: GitHub
    repository: str
    number: int
    comment_id: int = 0

    def react(self, reaction: Reaction) -> None:
        """By the way: what was asked for does not wait for it."""
        if self.comment_id:
            self.bot.asides.do(self._cosmetic.react(self.comment_id, reaction))

    async def say(self, key: str, body: str, *, kind: str = "") -> bool:
        """Write a reply, unless one with this key has been written; False if so.

        Args:
            key: what makes it the same one, such as the comment that is answered.
            kind: of which only the newest one is worth reading; the one before it is folded away.

        Raises:
            GitHubUnavailable: it could not be written now.
        """
        rows = self.bot.store.replies
        whole = f"{self.repository.casefold()}#{self.number} {key}"
        is_new = await rows.intend(whole, self.bot.clock.now())
        if not is_new and await rows.comment_of(whole):
            return False
        try:
            made = await self._comments.create(
                self.number, f"{marker(key)}\n{body}", marker(key), looks=not is_new
            )
        except GitHubRefuses:
            # Locked, or gone: there is nobody to be told.
            return False
        await rows.made(whole, made.id, self.bot.clock.now())
        if kind:
            await self._fold_older(kind, made.node_id)
        return True

    async def _fold_older(self, kind: str, node_id: str) -> None:
        facts = self.bot.store.facts
        name = f"newest {kind} {self.repository.casefold()}#{self.number}"
        older = await facts.get(name)
        await facts.put(name, node_id)
        if older and older != node_id:
            self.bot.asides.do(self._cosmetic.minimize(older))

    @property
    def _comments(self) -> Comments:
        return Comments(self.github, self.bot.settings.app_id)

    @property
    def _cosmetic(self) -> Comments:
        return Comments(self.github.at(Lane.COSMETIC), self.bot.settings.app_id)
