"""Who may start an automation, by the role that GitHub gives them. Pure."""

from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Refused


def check_role(login: str, role: Role | None, settings: GitHubKey) -> None:
    """Let through who has the role that the definition asks for.

    Raises:
        Refused: somebody else.
    """
    if role is None or role < settings.who:
        has = f"has the role {role}" if role else "has no role here"
        raise Refused(
            f"{login or 'the commenter'} {has}, and this automation asks for {settings.who} or more "
            "(`github.who` in its automation.yaml)"
        )
