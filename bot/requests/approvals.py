"""Which commits of forks may run, by the word of somebody who may write.

An approval is for one commit of one pull request and for the branch that it is to go into, whose definitions are
what runs: the author of a pull request may choose another one. It dies with a push, with another base and with the
end of the pull request.
"""

import json
from dataclasses import dataclass
from typing import Any

from bot.events.pull_request import Move, PullRequestMoved
from bot.requests.wish import Subject
from bot.store.store import Store


@dataclass(frozen=True)
class Approvals:
    """Of all pull requests; all methods raise `DatabaseUnavailable`."""

    store: Store

    async def give(self, subject: Subject, by: str) -> None:
        """From now on this commit may run for this pull request, if there is one.

        Args:
            by: login.
        """
        if subject.pull_request is None:
            return
        name = _name(subject.repository, subject.pull_request)
        async with self.store.database.writing(name):
            given = await self._all(name) | {subject.sha: {"base_ref": subject.base_ref, "by": by}}
            await self.store.facts.put(name, json.dumps(given))

    async def has(self, subject: Subject) -> bool:
        """Whether it may."""
        if subject.pull_request is None:
            return False
        given = (await self._all(_name(subject.repository, subject.pull_request))).get(subject.sha)
        return given is not None and given["base_ref"] == subject.base_ref

    async def void(self, moved: PullRequestMoved) -> None:
        """What was approved before has to be approved again, unless the pull request is still the same."""
        name = _name(moved.origin.repository, moved.number)
        same = set() if moved.action in {Move.EDITED, Move.CLOSED} else {moved.head_sha}
        async with self.store.database.writing(name):
            given = await self._all(name)
            kept = {sha: approval for sha, approval in given.items() if sha in same}
            if kept:
                await self.store.facts.put(name, json.dumps(kept))
            elif given:
                await self.store.facts.forget(name)

    async def _all(self, name: str) -> dict[str, Any]:
        fact = await self.store.facts.get(name)
        found: dict[str, Any] = json.loads(fact) if fact else {}
        return found


def _name(repository: str, number: int) -> str:
    return f"approvals {repository.casefold()}#{number}"
