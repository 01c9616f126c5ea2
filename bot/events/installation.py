"""`installation` and `installation_repositories`: what the App may do somewhere has changed. Pure.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.events.fields import at, number, repository_name


class Change(StrEnum):
    """What happened, in GitHub's word for it. Installing it, or adding repositories, takes nothing from any run."""

    DELETED = "deleted"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    NEW_PERMISSIONS_ACCEPTED = "new_permissions_accepted"
    REMOVED = "removed"
    """Of some repositories only."""


@dataclass(frozen=True)
class InstallationChanged:
    """An installation that may do less than before, or more.

    Attributes:
        repositories: `owner/name` of those that it was removed from; empty where all are meant.
    """

    installation: int
    action: Change
    repositories: tuple[str, ...] = ()

    @classmethod
    def read(cls, payload: object) -> Self | None:
        """The change; None for one that takes and gives nothing, and where no installation is named."""
        installation, action = number(at(payload, "installation", "id")), at(payload, "action")
        if not installation or not isinstance(action, str) or action not in set(Change):
            return None
        removed = at(payload, "repositories_removed")
        names = (
            [repository_name(at(each, "full_name")) for each in removed] if isinstance(removed, list) else []
        )
        return cls(installation, Change(action), tuple(filter(None, names)))
