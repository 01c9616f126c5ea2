"""Which role a person has in the repository, as GitHub itself says.

`author_association` and logins that look trustworthy say nothing: private members show as contributors, and
anybody can register a name that ends in `[bot]`.

Source: https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from automation.definition.role import Role
from automation.github.answers import understood
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})")


async def role_of(github: GitHub, login: str) -> Role | None:
    """The person's role; None for no one, and for a role that cannot be told.

    Raises:
        GitHubUnavailable: it could not be asked.
    """
    if not LOGIN.fullmatch(login):
        return None
    try:
        answer = await github.get(f"/collaborators/{login}/permission")
        with understood("a permission"):
            return read_role(answer)
    except GitHubRefuses as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def read_role(answer: Mapping[str, Any]) -> Role | None:
    """The role in the API's answer.

    `role_name` is the true one; the older `permission` calls a maintainer `write` and a triager `read`. A
    custom role counts as the base role that it inherits, which the user's `permissions` show.
    """
    name = str(answer.get("role_name") or "")
    if name in set(Role):
        return Role(name)
    if name in {"", "none"}:
        return None
    user = answer.get("user")
    permissions = user.get("permissions") if isinstance(user, dict) else None
    if not isinstance(permissions, dict):
        return None
    keys = {
        Role.ADMIN: "admin",
        Role.MAINTAIN: "maintain",
        Role.WRITE: "push",
        Role.TRIAGE: "triage",
        Role.READ: "pull",
    }
    return next((role for role, key in keys.items() if permissions.get(key) is True), None)
