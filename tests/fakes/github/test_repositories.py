"""A repository itself, and who may do what in it."""

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub


def permission(
    octo: FakeGitHub, connect: Connect, login: str, repository: str = "octo/demo"
) -> tuple[str, str]:
    token = octo.job_token(repository, run_id=1, permissions={})
    answer = connect(octo, token.value).get(f"/repos/{repository}/collaborators/{login}/permission")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["user"]["login"].lower() == login.lower()
    assert shown["user"]["role_name"] == shown["role_name"]
    return shown["permission"], shown["role_name"]


@pytest.mark.parametrize(
    ("role", "base", "expected"),
    [
        ("admin", None, ("admin", "admin")),
        ("maintain", None, ("write", "maintain")),
        ("write", None, ("write", "write")),
        ("triage", None, ("read", "triage")),
        ("read", None, ("read", "read")),
        ("release-manager", "maintain", ("write", "release-manager")),
        ("helper", "triage", ("read", "helper")),
    ],
)
def test_the_permission_is_the_old_word_and_the_role_the_true_one(
    role: str, base: str | None, expected: tuple[str, str], octo: FakeGitHub, connect: Connect
) -> None:
    octo.repository_named("octo/demo").collaborator("Alice", role, base=base)
    assert permission(octo, connect, "alice") == expected


def test_what_a_role_allows(octo: FakeGitHub, connect: Connect) -> None:
    octo.repository_named("octo/demo").collaborator("alice", "write")
    shown = connect(octo).get("/repos/octo/demo/collaborators/alice/permission").json()
    assert shown["user"]["permissions"] == {
        "pull": True,
        "triage": True,
        "push": True,
        "maintain": False,
        "admin": False,
    }


def test_a_custom_role_says_what_it_is_based_on(octo: FakeGitHub) -> None:
    with pytest.raises(ValueError, match="'release-manager' is a custom role"):
        octo.repository_named("octo/demo").collaborator("alice", "release-manager")


def test_a_stranger_may_read_what_is_public_and_nothing_else(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.user("stranger")
    octo.repository("octo/hidden", demo.directory, private=True)
    assert permission(octo, connect, "stranger") == ("read", "read")
    assert permission(octo, connect, "stranger", "octo/hidden")[0] == "none"


def test_a_login_that_nobody_has_is_404(octo: FakeGitHub, connect: Connect) -> None:
    answer = connect(octo).get("/repos/octo/demo/collaborators/nobody/permission")
    assert answer.status_code == 404
    assert answer.json()["message"] == "nobody is not a user"


def test_the_name_of_a_repository_is_taken_in_any_case(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    shown = http.get("/repos/Octo/DEMO").json()
    assert (shown["full_name"], shown["default_branch"], shown["private"]) == ("octo/demo", "main", False)
    assert http.get("/repos/octo/absent").status_code == 404


def test_every_answer_looks_like_githubs(fake: FakeGitHub, connect: Connect) -> None:
    http = connect(fake)
    for path in ("/repos/octo/demo", "/absent"):
        headers = http.get(path).headers
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["server"] == "github.com"
        assert headers["x-github-request-id"]
        assert headers["date"].endswith("GMT")
        assert headers["x-ratelimit-limit"] == "1000"
        assert headers["x-ratelimit-resource"] == "core"
    assert http.get("/absent").json() == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }


def test_a_request_without_a_user_agent_is_refused(fake: FakeGitHub, connect: Connect) -> None:
    http = connect(fake)
    del http.headers["user-agent"]
    assert http.get("/repos/octo/demo").status_code == 403


def test_an_answer_that_is_known_already_is_304(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    first = http.get("/repos/octo/demo")
    again = http.get("/repos/octo/demo", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    octo.repository_named("octo/demo").default_branch = "feature"
    changed = http.get("/repos/octo/demo", headers={"if-none-match": first.headers["etag"]})
    assert changed.json()["default_branch"] == "feature"
