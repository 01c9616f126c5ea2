"""Pull requests: read, listed, moved by pushes, from forks that are there and forks that are gone."""

from typing import Any

import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import GONE, FakeGitHub

PULLS = "/repos/octo/demo/pulls"


def test_a_pull_request_of_the_repository_itself(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head, author="alice", title="New")
    shown = connect(octo).get(f"{PULLS}/7").json()
    assert (shown["number"], shown["state"], shown["title"], shown["user"]["login"]) == (
        7,
        "open",
        "New",
        "alice",
    )
    assert (shown["head"]["sha"], shown["head"]["ref"], shown["head"]["label"]) == (
        demo.head,
        "feature",
        "octo:feature",
    )
    assert (shown["base"]["sha"], shown["base"]["ref"]) == (demo.main, "main")
    assert shown["head"]["repo"]["full_name"] == shown["base"]["repo"]["full_name"] == "octo/demo"
    assert (shown["commits"], shown["changed_files"]) == (1, 5)
    assert shown["merge_commit_sha"] is None


def test_a_push_moves_the_head(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    pull = octo.repository_named("octo/demo").pull(7, head=demo.fork_point)
    http = connect(octo)
    assert http.get(f"{PULLS}/7").json()["head"]["sha"] == demo.fork_point
    pull.push(demo.head)
    assert http.get(f"{PULLS}/7").json()["head"]["sha"] == demo.head
    assert http.get("/repos/octo/demo/commits/refs/pull/7/head").json()["sha"] == demo.head


def test_a_pull_request_of_a_fork(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    repository = octo.repository_named("octo/demo")
    repository.pull(7, head=demo.head, fork="mallory/demo", author="mallory")
    http = connect(octo)
    head = http.get(f"{PULLS}/7").json()["head"]
    assert head["label"] == "mallory:feature"
    assert (head["repo"]["full_name"], head["repo"]["fork"]) == ("mallory/demo", True)
    assert http.get(f"/repos/mallory/demo/commits/{demo.head}").json()["sha"] == demo.head
    check = http.post("/repos/octo/demo/check-runs", json={"name": "review", "head_sha": demo.head}).json()
    assert check["pull_requests"] == []


def test_a_pull_request_of_a_fork_that_is_gone(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head, fork=GONE, author="mallory")
    http = connect(octo)
    for shown in (http.get(f"{PULLS}/7").json(), http.get(PULLS).json()[0]):
        assert shown["head"]["repo"] is None
        assert shown["head"]["sha"] == demo.head


def test_a_check_run_names_the_pull_requests_of_its_commit(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    http = connect(octo)
    check = http.post("/repos/octo/demo/check-runs", json={"name": "review", "head_sha": demo.head}).json()
    assert [pull["number"] for pull in check["pull_requests"]] == [7]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [3, 1]),
        ("state=open", [3, 1]),
        ("state=closed", [2]),
        ("state=all", [3, 2, 1]),
        ("state=all&direction=asc", [1, 2, 3]),
        ("state=all&sort=created&direction=desc", [3, 2, 1]),
        ("state=all&sort=updated", [2, 3, 1]),
        ("state=all&sort=updated&direction=desc", [1, 3, 2]),
        ("head=octo:feature", [1]),
        ("head=mallory:feature", [3]),
        ("base=main", [3, 1]),
        ("base=absent", []),
        ("state=all&per_page=2", [3, 2]),
        ("state=all&per_page=2&page=2", [1]),
    ],
)
def test_pull_requests_are_listed(
    query: str, numbers: list[int], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    repository = octo.repository_named("octo/demo")
    first = repository.pull(1, head=demo.fork_point)
    repository.pull(2, head=demo.head, head_ref="other", state="closed")
    octo.advance(10)
    repository.pull(3, head=demo.head, fork="mallory/demo")
    octo.advance(10)
    first.push(demo.head)
    answer = connect(octo).get(f"{PULLS}?{query}")
    assert [each["number"] for each in answer.json()] == numbers


def test_the_files_of_a_pull_request_are_those_since_it_left_its_base(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    files: list[dict[str, Any]] = connect(octo).get(f"{PULLS}/7/files").json()
    found = {file["filename"]: file for file in files}
    assert {name: file["status"] for name, file in found.items()} == {
        "README.md": "modified",
        "new.py": "added",
        "picture.bin": "added",
        "renamed.txt": "renamed",
        "run.sh": "removed",
    }
    assert found["README.md"]["patch"].startswith("@@ -1 +1 @@\n-# Demo\n+# Demo, changed")
    assert (found["README.md"]["additions"], found["README.md"]["deletions"]) == (1, 1)
    assert "patch" not in found["picture.bin"]
    assert found["renamed.txt"]["previous_filename"] == "old.txt"
    assert found["new.py"]["sha"] == demo.git("rev-parse", f"{demo.head}:new.py")
    assert found["run.sh"]["sha"] == demo.git("rev-parse", f"{demo.fork_point}:run.sh")


def test_the_commits_of_a_pull_request(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    assert [each["sha"] for each in connect(octo).get(f"{PULLS}/7/commits").json()] == [demo.head]


@pytest.mark.parametrize(
    "accept",
    ["application/vnd.github.diff", "application/vnd.github.v3.diff", "application/vnd.github.diff+json"],
)
def test_a_pull_request_as_a_diff(accept: str, octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    answer = connect(octo).get(f"{PULLS}/7", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("diff --git a/README.md b/README.md")
    assert "later.txt" not in answer.text


def test_a_pull_request_that_is_not_there_is_404(fake: FakeGitHub, connect: Connect) -> None:
    http = connect(fake)
    for path in ("7", "x", "7/files", "7/commits", "99999999999999999999"):
        assert http.get(f"{PULLS}/{path}").status_code == 404


def test_a_test_cannot_make_a_pull_request_of_nothing(octo: FakeGitHub, demo: Demo) -> None:
    repository = octo.repository_named("octo/demo")
    with pytest.raises(AssertionError, match="no full SHA of a commit"):
        repository.pull(7, head="feature")
    with pytest.raises(AssertionError, match="no branch absent"):
        repository.pull(7, head=demo.head, base="absent")
    pull = repository.pull(7, head=demo.head)
    assert repository.pull(7) is pull
    with pytest.raises(AssertionError, match="there is a pull request 7"):
        repository.pull(7, head=demo.head)


def test_a_merged_pull_request(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head).close(merged=True)
    shown = connect(octo).get(f"{PULLS}/7").json()
    assert (shown["state"], shown["merged"]) == ("closed", True)
    assert shown["merged_at"] == shown["closed_at"] is not None
