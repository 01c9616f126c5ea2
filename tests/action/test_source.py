"""A commit comes from the checkout where that has it, otherwise from GitHub, and is the same either way."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automation.action.source import PinnedSource
from automation.errors import Misconfigured, NoRoom
from automation.github import GitHub, GitHubRefuses, GitHubUnavailable, GivenToken, client
from automation.github.contents import Contents
from automation.packing.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.full_disk import SMALL, small_files_only
from tests.workflow import Checkout, git

ABSENT = "d" * 40


@dataclass(frozen=True)
class History:
    """Commits base - head on `main`, and `topic` beside head; `shallow` is a checkout of head and of base alone."""

    whole: Repository
    shallow: Repository
    base: str
    head: str
    topic: str


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    directory = tmp_path_factory.mktemp("source")
    checkout = Checkout.make(directory / "checkout")
    checkout.automation("guard", "echo hello\n")
    checkout.write("automations/other/automation.yaml", "name: other\n")
    checkout.write("automations/other/run.sh", "echo other\n")
    checkout.write("automations-of-others/x", "not this\n")
    checkout.write("secret.txt", "not in GitHub's archives\n")
    checkout.write(".gitattributes", "secret.txt export-ignore\n")
    (checkout.path / "automations/other/run.sh").chmod(0o755)
    (checkout.path / "automations/other/link").symlink_to("run.sh")
    (checkout.path / "automations/other/up").symlink_to("../../README.md")
    (checkout.path / "automations/other/out").symlink_to("../../../outside")
    base = checkout.commit("Base")
    git(checkout.path, "checkout", "-q", "-b", "topic/1")
    checkout.write("topic.txt", "topic\n")
    topic = checkout.commit("Topic")
    git(checkout.path, "checkout", "-q", "main")
    checkout.write("README.md", "# Changed\n")
    head = checkout.commit("Head")
    url = f"file://{checkout.path}"
    git(directory, "clone", "-q", "--depth", "1", url, "shallow")
    shallow = directory / "shallow"
    git(shallow, "fetch", "-q", "--depth", "1", url, topic)
    return History(Repository(checkout.path), Repository(shallow), base, head, topic)


@pytest.fixture
async def contents(
    github: FakeGitHub, history: History, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Contents]:
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    github.repository("octo/demo", history.whole.root)
    token = github.job_token("octo/demo", run_id=4242, permissions={"contents": "read"})
    hub = GitHub(github.url, "octo/demo", GivenToken(token.value), patience=0.1)
    yield Contents(hub, asyncio.get_running_loop())
    hub.close()


async def ask[T](call: Callable[..., T], *words: Any) -> T:
    """What a thread gets, while this loop runs."""
    return await asyncio.to_thread(call, *words)


def tree(directory: Path) -> dict[str, tuple[str, str]]:
    """Everything below a directory: what it is, and what is in it."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            found[name] = (oct(stat.S_IMODE(path.stat().st_mode)), path.read_text())
    return found


def test_it_is_pinned(history: History) -> None:
    source = PinnedSource(history.head, history.whole, None)
    assert source.head() == history.head
    assert source.resolve(history.topic) == history.topic
    assert source.branch() is None
    assert not source.is_dirty()


async def test_what_the_checkout_has_is_not_fetched(
    contents: Contents, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    source = PinnedSource(history.topic, history.whole, contents)
    archive = await ask(source.write_tree_archive, history.topic, tmp_path / "a.tar.gz")
    assert archive == history.whole.write_tree_archive(history.topic, tmp_path / "b.tar.gz")
    await ask(source.write_changes, history.head, history.topic, tmp_path / "p")
    await ask(source.write_bundle, history.topic, history.base, tmp_path / "bundle")
    await ask(source.write_directories, history.base, ["automations"], tmp_path / "definition")
    assert github.requests == []


@pytest.mark.parametrize("has_checkout", [True, False], ids=["shallow checkout", "no checkout"])
async def test_what_it_has_not_comes_from_github_and_is_the_same(
    contents: Contents, history: History, tmp_path: Path, has_checkout: bool
) -> None:
    source = PinnedSource(history.base, history.shallow if has_checkout else None, contents)
    theirs = await ask(source.write_tree_archive, history.base, tmp_path / "a.tar.gz")
    assert theirs == history.whole.write_tree_archive(history.base, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.mark.parametrize("checkout", ["shallow", None])
def test_without_a_token_it_has_to_be_checked_out(
    history: History, tmp_path: Path, checkout: str | None
) -> None:
    source = PinnedSource(history.base, history.shallow if checkout else None, None)
    with pytest.raises(
        Misconfigured, match=f"the commit {history.base} is not in the checkout.*give `github-token`"
    ):
        source.write_tree_archive(history.base, tmp_path / "a.tar.gz")
    with pytest.raises(Misconfigured, match="give `github-token`"):
        source.write_directories("main", ["automations"], tmp_path / "definition")
    with pytest.raises(Misconfigured, match="give `github-token`"):
        source.write_directories(history.base, ["automations"], tmp_path / "definition")


async def test_a_commit_that_is_nowhere(contents: Contents, history: History, tmp_path: Path) -> None:
    source = PinnedSource(ABSENT, history.whole, contents)
    with pytest.raises(GitHubRefuses):
        await ask(source.write_tree_archive, ABSENT, tmp_path / "a.tar.gz")


@pytest.mark.parametrize("checkout", ["shallow", None])
@pytest.mark.parametrize("base", [True, False])
async def test_history_is_only_in_a_checkout(
    contents: Contents, history: History, tmp_path: Path, checkout: str | None, base: bool
) -> None:
    source = PinnedSource(history.topic, history.shallow if checkout else None, contents)
    head = history.topic if base else history.base
    with pytest.raises(Misconfigured, match=r"`github\.repository: git` needs the history.*`fetch-depth: 0`"):
        await ask(source.write_bundle, head, history.base if base else None, tmp_path / "bundle")


async def test_changes_of_a_shallow_checkout_come_from_github(
    contents: Contents, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    """Both commits are there, and where their histories meet is not."""
    source = PinnedSource(history.topic, history.shallow, contents)
    changes = await ask(source.write_changes, history.head, history.topic, tmp_path / "p")
    assert changes is not None
    assert (tmp_path / "p").read_text().startswith("diff --git a/topic.txt b/topic.txt")
    assert "README" not in (tmp_path / "p").read_text()
    assert [request.path for request in github.requests] == [
        f"/repos/octo/demo/compare/{history.head}...{history.topic}"
    ]


@pytest.mark.parametrize("checkout", ["shallow", None])
def test_without_a_token_there_are_no_changes(history: History, tmp_path: Path, checkout: str | None) -> None:
    source = PinnedSource(history.topic, history.shallow if checkout else None, None)
    assert source.write_changes(history.head, history.topic, tmp_path / "p") is None
    assert source.write_changes(history.base, history.topic, tmp_path / "p") is None


async def test_changes_that_github_will_not_show_are_none(
    contents: Contents, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    source = PinnedSource(history.topic, None, contents)
    assert await ask(source.write_changes, ABSENT, history.topic, tmp_path / "p") is None
    github.fault("GET", "/compare/", status=406)
    assert await ask(source.write_changes, history.base, history.topic, tmp_path / "p") is None


async def test_a_github_that_is_away_is_not_no_changes(
    contents: Contents, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    github.fault("GET", "/compare/", status=502, times=None)
    with pytest.raises(GitHubUnavailable):
        await ask(
            PinnedSource(history.topic, None, contents).write_changes,
            history.base,
            history.topic,
            tmp_path / "p",
        )


PLACES = [
    [".openhands/automations", "automations"],
    ["automations"],
    ["automations/"],
    ["./automations"],
    ["automations/other"],
    ["none"],
    ["none", "automations"],
    ["."],
]


@pytest.mark.parametrize("below", PLACES, ids=" ".join)
async def test_a_definition_is_the_same_from_either(
    contents: Contents, history: History, tmp_path: Path, below: list[str]
) -> None:
    here = PinnedSource(history.base, history.whole, None)
    there = PinnedSource(history.base, None, contents)
    await ask(here.write_directories, history.base, below, tmp_path / "here")
    await ask(there.write_directories, history.base, below, tmp_path / "there")
    assert tree(tmp_path / "here") == tree(tmp_path / "there")
    assert (tmp_path / "here").is_dir()


async def test_a_definition_has_its_files_and_nothing_else(history: History, tmp_path: Path) -> None:
    source = PinnedSource(history.base, history.whole, None)
    source.write_directories(history.base, ["automations"], tmp_path / "definition")
    assert tree(tmp_path / "definition") == {
        "automations/other/automation.yaml": ("0o644", "name: other\n"),
        "automations/other/run.sh": ("0o755", "echo other\n"),
        "automations/other/link": ("link", "run.sh"),
        "automations/other/up": ("link", "../../README.md"),
    }


@pytest.mark.parametrize("branch", ["main", "topic/1"])
@pytest.mark.parametrize("has_checkout", [True, False])
async def test_a_branch_is_what_github_says_it_is(
    contents: Contents, github: FakeGitHub, history: History, tmp_path: Path, branch: str, has_checkout: bool
) -> None:
    """Not what a branch of that name in the checkout is: that may be the pull request's."""
    repository = history.whole
    if has_checkout:
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "-q", f"file://{history.whole.root}", str(clone))
        git(clone, "fetch", "-q", "origin", "topic/1")
        git(clone, "branch", "-f", "topic/1", history.base)
        git(clone, "checkout", "-q", "-B", "evil")
        git(clone, "branch", "-f", "main", history.base)
        repository = Repository(clone)
    source = PinnedSource(history.head, repository if has_checkout else None, contents)
    await ask(
        source.write_directories,
        branch,
        ["."] if not has_checkout else ["automations"],
        tmp_path / "definition",
    )
    sha = {"main": history.head, "topic/1": history.topic}[branch]
    asked = [request.path for request in github.requests]
    assert asked[0] == f"/repos/octo/demo/commits/{branch}"
    if not has_checkout:
        readme = (tmp_path / "definition" / "README.md").read_text()
        assert readme == ("# Changed\n" if sha == history.head else "# Demo\n")
        assert (tmp_path / "definition" / "topic.txt").exists() is (sha == history.topic)


async def test_a_branch_that_is_not_there(contents: Contents, history: History, tmp_path: Path) -> None:
    with pytest.raises(GitHubRefuses, match="No commit found for SHA: no-such"):
        await ask(
            PinnedSource(history.head, history.whole, contents).write_directories,
            "no-such",
            ["automations"],
            tmp_path / "definition",
        )


def test_no_room_for_directories(history: History, tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout")
    (checkout.path / "automations").mkdir()
    (checkout.path / "automations/large").write_bytes(os.urandom(2 * SMALL))
    sha = checkout.commit()
    source = PinnedSource(sha, Repository(checkout.path), None)
    with pytest.raises(NoRoom, match=str(tmp_path)), small_files_only():
        source.write_directories(sha, ["automations"], tmp_path / "definition")
