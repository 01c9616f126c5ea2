"""Where a repository's code is, and who may do what in it."""

from typing import TYPE_CHECKING

from tests.fakes.github.accounts import Membership, membership
from tests.fakes.github.git import FULL_SHA, Git

if TYPE_CHECKING:
    from tests.fakes.github.world import World


class Place:
    """A name, its git data on disk, and its people."""

    def __init__(self, world: "World", identity: int, full_name: str, git: Git, *, is_private: bool) -> None:
        self.world = world
        self.id = identity
        self.full_name = full_name
        self.owner, _, self.name = full_name.partition("/")
        self.git = git
        self.is_private = is_private
        self.default_branch = git.default_branch()
        self.created_at = world.clock.stamp()
        self.members: dict[str, Membership] = {}

    def collaborator(self, login: str, role: str | None, *, base: str | None = None) -> None:
        """Gives a person a role, or with None takes it away; a custom one needs the `base` it is built on."""
        with self.world.lock:
            self.world.account(login)
            if role is None:
                self.members.pop(login.lower(), None)
            else:
                self.members[login.lower()] = membership(role, base)

    def has_commit(self, sha: str) -> bool:
        return bool(FULL_SHA.fullmatch(sha)) and self.git.commit_id(sha) == sha
