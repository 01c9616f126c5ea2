"""What a route asks of its caller.

For an App without the permission: 403 with the permissions that would do in `X-Accepted-GitHub-Permissions`.
Of a public repository GitHub's documentation lets anybody read most things, whatever a token's permissions
are; of a private one nobody outside learns that it exists. Ours, because sources are silent: a JWT at a route
for tokens is answered 403.
"""

from dataclasses import dataclass
from enum import Enum

from tests.fakes.github.answers import not_found, refusal
from tests.fakes.github.apps import covers
from tests.fakes.github.credentials import Caller
from tests.fakes.github.repository import Repository

ACCEPTED = "x-accepted-github-permissions"


class Credential(Enum):
    """Routes that belong to no repository, by what they take."""

    JWT = "the App itself"
    TOKEN = "an installation"
    ANY = "anybody"


@dataclass(frozen=True)
class Permission:
    """What a repository's route takes.

    Attributes:
        names: each of them is enough.
        level: read or write.
        is_public: whether anybody may where the repository is public.
    """

    names: tuple[str, ...]
    level: str
    is_public: bool = False

    @property
    def accepted(self) -> str:
        return "; ".join(f"{name}={self.level}" for name in self.names)


type Access = Credential | Permission


def read(*names: str, public: bool = True) -> Permission:
    return Permission(names, "read", public)


def write(*names: str) -> Permission:
    return Permission(names, "write")


def judge_credential(caller: Caller, access: Credential) -> None:
    """Raises: Refusal, 401 or 403."""
    if access is Credential.JWT and not caller.is_jwt:
        raise refusal(401, "A JSON web token could not be decoded")
    if access is Credential.TOKEN and caller.token is None:
        raise (
            refusal(403, "You must authenticate with an installation access token")
            if caller.app
            else refusal(401, "Requires authentication")
        )


def judge_permission(caller: Caller, access: Permission, repository: Repository | None) -> Repository:
    """The repository, if the caller may.

    Raises:
        Refusal: 401, 403 or 404.
    """
    token = caller.token
    name = repository.full_name.lower() if repository else ""
    is_inside = token is not None and name in token.repositories
    if repository is None or (repository.is_private and not is_inside):
        raise not_found()
    if caller.app is None:
        if access.is_public:
            return repository
        raise refusal(401, "Requires authentication")
    is_granted = (
        token is not None
        and is_inside
        and any(covers(token.permissions, permission, access.level) for permission in access.names)
    )
    is_open = access.is_public and not repository.is_private and token is not None
    if (token is not None and token.is_refused) or not (is_granted or is_open):
        raise refusal(403, "Resource not accessible by integration", headers={ACCEPTED: access.accepted})
    return repository
