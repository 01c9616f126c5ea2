"""Where an App is installed, and what befalls it there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.github.happenings import Happening
from tests.fakes.github.meter import Meter

if TYPE_CHECKING:
    from tests.fakes.github.apps import App


@dataclass
class Installation:
    """An App on repositories of one account.

    Attributes:
        repositories: full names, lower case.
        meter: what all of its tokens have used of its limits.
    """

    id: int
    app: "App" = field(repr=False)
    account: str
    repositories: set[str]
    created_at: str
    suspended_at: str | None = None
    meter: Meter = field(default_factory=Meter, repr=False)

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    def suspend(self) -> None:
        """From now on its tokens are refused and it is told of nothing more; tells installation.suspend."""
        with self.app.world.lock:
            self.suspended_at = self.app.world.clock.stamp()
            self._tell("suspend")

    def unsuspend(self) -> None:
        """Tells installation.unsuspend."""
        with self.app.world.lock:
            self.suspended_at = None
            self._tell("unsuspend")

    def delete(self) -> None:
        """The account does not want the App any more: its tokens end; tells installation.deleted."""
        with self.app.world.lock:
            self.app.installations.remove(self)
            for token in self.app.tokens:
                if token.installation_id == self.id:
                    token.revoke()
            self._tell("deleted")

    def _tell(self, action: str) -> None:
        self.app.world.tell(Happening("installation", action, self, self.account, only=self.app))


def one_owner(repositories: Iterable[str]) -> tuple[str, set[str]]:
    """The account and the lower-case full names of repositories.

    Raises:
        ValueError: none, or of several accounts.
    """
    names = list(repositories)
    owners = {name.partition("/")[0].lower() for name in names}
    if len(owners) != 1:
        raise ValueError(f"an installation is on repositories of one account, not {names}")
    return names[0].partition("/")[0], {name.lower() for name in names}
