"""Where an event comes from: the repository, the App's installation there, and who caused it. Pure.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#webhook-payload-object-common-properties
"""

from dataclasses import dataclass
from typing import Final, Self

from bot.events.fields import at, login, number, repository_name, text


@dataclass(frozen=True)
class Person:
    """An account, as a payload shows it.

    Attributes:
        login: for display and for asking GitHub about it; says nothing of what it may do.
        type: `User`, `Bot`, `Organization` or what else GitHub calls it; empty for nobody.
    """

    id: int
    login: str
    type: str

    @property
    def is_user(self) -> bool:
        """Whether it is a person's account, told by GitHub's type and never by the login."""
        return self.type == "User"

    @classmethod
    def read(cls, value: object) -> Self:
        """The account; without an id or a login it is nobody, as deleted accounts are."""
        known, name = number(at(value, "id")), login(at(value, "login"))
        return cls(known, name, text(at(value, "type"))) if known and name else cls(0, "", "")


NOBODY: Final = Person(0, "", "")
"""Whoever is not said, or no longer there; it may do nothing."""


@dataclass(frozen=True)
class Origin:
    """What every event of a repository says.

    Attributes:
        repository: `owner/name`.
        installation: id of the App's installation; the key to a token.
        default_branch: empty if it is not said.
        sender: who caused the event.
    """

    repository: str
    installation: int
    default_branch: str
    sender: Person

    @classmethod
    def read(cls, payload: object) -> Self | None:
        """The origin; None without a repository or an installation, for then nothing can be done there."""
        repository = repository_name(at(payload, "repository", "full_name"))
        installation = number(at(payload, "installation", "id"))
        if not repository or not installation:
            return None
        return cls(
            repository=repository,
            installation=installation,
            default_branch=text(at(payload, "repository", "default_branch")),
            sender=Person.read(at(payload, "sender")),
        )
