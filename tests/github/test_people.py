"""A role is what GitHub says it is, by its true name; who cannot be told has none."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from automation.definition.role import Role
from automation.github import GitHub, GitHubRefuses, GitHubUnavailable, GivenToken
from automation.github.people import read_role, role_of
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout

OF_A_READER = {"pull": True, "triage": False, "push": False, "maintain": False, "admin": False}


@pytest.fixture(params=["public", "private"])
def repository(github: FakeGitHub, checkout: Checkout, request: pytest.FixtureRequest) -> Repository:
    return github.repository("octo/demo", checkout.path, private=request.param == "private")


@pytest.fixture
async def client(github: FakeGitHub, repository: Repository) -> AsyncIterator[GitHub]:
    token = github.job_token("octo/demo", run_id=4242, permissions={"contents": "read"})
    client = GitHub(github.url, "octo/demo", GivenToken(token.value), patience=0)
    yield client
    client.close()


@pytest.mark.parametrize("role", Role)
async def test_the_true_role(client: GitHub, repository: Repository, role: Role) -> None:
    repository.collaborator("alice", role)
    assert await role_of(client, "alice") is role
    assert await role_of(client, "ALICE") is role


@pytest.mark.parametrize("base", Role)
async def test_a_custom_role_is_what_it_inherits(client: GitHub, repository: Repository, base: Role) -> None:
    repository.collaborator("carol", "Release managers", base=base)
    assert await role_of(client, "carol") is base


async def test_a_stranger_reads_what_is_public(
    client: GitHub, github: FakeGitHub, repository: Repository
) -> None:
    github.user("mallory")
    assert await role_of(client, "mallory") is (None if repository.is_private else Role.READ)


async def test_nobody_has_no_role(client: GitHub) -> None:
    assert await role_of(client, "no-such-person") is None


@pytest.mark.parametrize(
    "login", ["", "robot[bot]", "../../user", "a/b", "a?b=c", "a b", "-alice", "alice\n", "ghöst", "a" * 101]
)
async def test_what_is_no_login_is_not_asked_for(client: GitHub, github: FakeGitHub, login: str) -> None:
    assert await role_of(client, login) is None
    assert github.requests == []


@pytest.mark.parametrize("login", ["a", "alice-1", "alice_company", "0", "a" * 100])
async def test_logins_are_asked_for_as_they_are(client: GitHub, github: FakeGitHub, login: str) -> None:
    github.user(login)
    await role_of(client, login)
    [request] = github.requests
    assert request.path == f"/repos/octo/demo/collaborators/{login}/permission"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, GitHubRefuses), (401, GitHubRefuses), (500, GitHubUnavailable), (429, GitHubUnavailable)],
)
async def test_who_cannot_be_asked_for_has_not_no_role(
    client: GitHub, github: FakeGitHub, status: int, kind: type[GitHubUnavailable]
) -> None:
    github.fault("GET", "permission", status=status, headers={"retry-after": "1"} if status == 429 else {})
    with pytest.raises(GitHubUnavailable) as unavailable:
        await role_of(client, "alice")
    assert type(unavailable.value) is kind


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"role_name": "admin", "permission": "read"}, Role.ADMIN),
        ({"role_name": "maintain", "permission": "write"}, Role.MAINTAIN),
        ({"role_name": "triage", "permission": "read"}, Role.TRIAGE),
        ({"role_name": "read", "permission": "admin"}, Role.READ),
        ({"permission": "admin"}, None),
        ({"role_name": None, "permission": "admin"}, None),
        ({"role_name": "", "permission": "admin"}, None),
        ({"role_name": "none", "permission": "admin", "user": {"permissions": {"admin": True}}}, None),
        ({"role_name": "Admin", "permission": "admin"}, None),
        ({"role_name": "own", "permission": "admin"}, None),
        ({"role_name": "own", "user": None}, None),
        ({"role_name": "own", "user": {"permissions": None}}, None),
        ({"role_name": "own", "user": {"permissions": {}}}, None),
        ({"role_name": "own", "user": {"permissions": OF_A_READER}}, Role.READ),
        ({"role_name": "own", "user": {"permissions": OF_A_READER | {"push": True}}}, Role.WRITE),
        (
            {"role_name": "own", "user": {"permissions": OF_A_READER | {"push": "true", "admin": 1}}},
            Role.READ,
        ),
        ({"role_name": "own", "user": {"permissions": OF_A_READER | {"superuser": True}}}, Role.READ),
        ({"role_name": ["admin"]}, None),
        ({}, None),
    ],
)
def test_answers(answer: dict[str, Any], expected: Role | None) -> None:
    assert read_role(answer) is expected


@pytest.mark.parametrize("value", ["admin", ["admin"], 5, True])
def test_what_has_no_permissions_in_it_gives_no_role(value: Any) -> None:
    assert read_role({"role_name": "own", "user": value}) is None
    assert read_role({"role_name": "own", "user": {"permissions": value}}) is None
