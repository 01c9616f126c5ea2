"""A role lets through who has it or more, and nobody else."""

import pytest

from automation.authority import check_role
from automation.definition.github_key import GitHubKey
from automation.definition.role import Role
from automation.errors import Refused
from automation.reasons import Reason


@pytest.mark.parametrize("asked", Role)
@pytest.mark.parametrize("role", [None, *Role])
def test_a_role_lets_through_who_has_it_or_more(role: Role | None, asked: Role) -> None:
    order = [None, *Role]
    settings = GitHubKey(who=asked)
    if order.index(role) >= order.index(asked):
        check_role("alice", role, settings)
        return
    with pytest.raises(Refused) as refusal:
        check_role("alice", role, settings)
    has = f"the role {role}" if role else "no role here"
    assert refusal.value.sentence.startswith(f"alice has {has}, and this automation asks for {asked} or more")
    assert refusal.value.reason is Reason.NOT_ALLOWED


def test_a_refusal_names_somebody_in_any_case() -> None:
    with pytest.raises(Refused, match=r"^the commenter has no role here"):
        check_role("", None, GitHubKey())
