"""Branches and refs."""

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

HOME = "/repos/octo/demo"


def test_a_branch(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    shown = connect(octo).get(f"{HOME}/branches/main").json()
    assert (shown["name"], shown["commit"]["sha"], shown["protected"]) == ("main", demo.main, False)


def test_a_branch_with_a_slash(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    demo.git("branch", "--force", "topic/one", demo.head)
    assert connect(octo).get(f"{HOME}/branches/topic/one").json()["commit"]["sha"] == demo.head
    demo.git("branch", "-D", "topic/one")


@pytest.mark.parametrize("name", ["absent", "v1", "heads/main"])
def test_what_is_no_branch_is_404(name: str, octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).get(f"{HOME}/branches/{name}").status_code == 404


def test_refs(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    http = connect(octo)
    expected = {"heads/main": demo.main, "tags/v1": demo.fork_point, "pull/7/head": demo.head}
    for name, sha in expected.items():
        shown = http.get(f"{HOME}/git/ref/{name}").json()
        assert (shown["ref"], shown["object"]["sha"]) == (f"refs/{name}", sha)
    for name in ("main", "heads/absent", demo.head):
        assert http.get(f"{HOME}/git/ref/{name}").status_code == 404
