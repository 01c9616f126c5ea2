"""Users and organizations, and the roles that people have in a repository."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Account:
    id: int
    login: str
    type: str = "User"


class Role(StrEnum):
    """GitHub's own roles, weakest first."""

    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"


# What the permission endpoint calls them in `permission`; `role_name` keeps the true name.
LEGACY = {
    Role.READ: "read",
    Role.TRIAGE: "read",
    Role.WRITE: "write",
    Role.MAINTAIN: "write",
    Role.ADMIN: "admin",
}


@dataclass(frozen=True)
class Membership:
    """A person's role in a repository.

    Attributes:
        role_name: one of `Role`, or the name of an organization's custom role.
        base: the role of GitHub that it grants.
    """

    role_name: str
    base: Role

    @property
    def permission(self) -> str:
        return LEGACY[self.base]

    @property
    def flags(self) -> dict[str, bool]:
        order = list(Role)
        names = ("pull", "triage", "push", "maintain", "admin")
        return {name: order.index(self.base) >= at for at, name in enumerate(names)}


def membership(role: str, base: str | None = None) -> Membership:
    """A role by its name.

    Raises:
        ValueError: the name of a custom role without its base.
    """
    if base is None and role not in set(Role):
        raise ValueError(f"{role!r} is a custom role: say what it is based on, base=one of {', '.join(Role)}")
    return Membership(role, Role(base or role))
