"""What the tests of the fake share: a repository with a history, and clients that speak plain HTTP."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.receiving import Receiver, receiving
from tests.fakes.github.server import FakeGitHub

WRITER = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "actions": "read",
    "pull_requests": "read",
}


@dataclass(frozen=True)
class Demo:
    """A git repository on disk: `main` with two commits, `feature` one commit ahead and one behind it.

    Attributes:
        fork_point: the first commit, where feature left main.
        main: tip of main.
        head: tip of feature.
    """

    directory: Path
    fork_point: str
    main: str
    head: str

    def git(self, *arguments: str) -> str:
        return git(self.directory, *arguments)


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Tess", "-c", "user.email=tess@example.com", "-c", "commit.gpgsign=false")
    ended = subprocess.run(
        ["git", *identity, "-C", str(directory), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.stdout.strip()


def commit(directory: Path, message: str) -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "-m", message)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    directory = tmp_path_factory.mktemp("demo")
    git(directory, "init", "--quiet", "--initial-branch=main")
    (directory / "README.md").write_text("# Demo\n")
    (directory / "old.txt").write_text("a line\n" * 20)
    (directory / "docs").mkdir()
    (directory / "docs" / "größe & more?.md").write_text("Größe\n")
    (directory / "secret.txt").write_text("not in archives\n")
    (directory / ".gitattributes").write_text("secret.txt export-ignore\nversion.txt export-subst\n")
    (directory / "version.txt").write_text("$Format:%H$\n")
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "link").symlink_to("README.md")
    fork_point = commit(directory, "First\n\nWith a body")
    git(directory, "checkout", "--quiet", "-b", "feature")
    (directory / "new.py").write_text("print('new')\n")
    (directory / "picture.bin").write_bytes(bytes(range(256)))
    git(directory, "mv", "old.txt", "renamed.txt")
    git(directory, "rm", "--quiet", "run.sh")
    (directory / "README.md").write_text("# Demo, changed\n")
    head = commit(directory, "Feature")
    git(directory, "checkout", "--quiet", "main")
    (directory / "later.txt").write_text("later\n")
    main = commit(directory, "Second")
    git(directory, "tag", "v1", fork_point)
    return Demo(directory, fork_point, main, head)


@pytest.fixture
def fake(demo: Demo) -> Iterator[FakeGitHub]:
    """A GitHub with octo/demo that nobody judges: for requests that GitHub would not describe."""
    with FakeGitHub() as started:
        started.repository("octo/demo", demo.directory)
        yield started


@pytest.fixture
def octo(github: FakeGitHub, demo: Demo) -> FakeGitHub:
    """A GitHub with octo/demo, held to GitHub's description."""
    github.repository("octo/demo", demo.directory)
    return github


type Connect = Callable[..., httpx.Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Plain HTTP clients for a fake, with or without a token."""
    clients: list[httpx.Client] = []

    def client(fake: FakeGitHub, credential: str | None = None, **permissions: str) -> httpx.Client:
        """With a credential, with a job token of these permissions, or with WRITER's."""
        if credential is None:
            token = fake.job_token("octo/demo", run_id=4242, permissions=permissions or WRITER)
            credential = token.value
        headers = {"authorization": f"Bearer {credential}"} if credential else {}
        clients.append(httpx.Client(base_url=fake.url, headers=headers, trust_env=False, timeout=20))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


BOT = {"checks": "write", "contents": "read", "issues": "read", "pull_requests": "write"}
SECRET = "it is a secret"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def bot(octo: FakeGitHub, receiver: Receiver) -> App:
    """An App on octo/demo that is told what happens."""
    app = octo.app("our-bot", BOT, hook_url=receiver.url, secret=SECRET)
    app.install("octo/demo")
    octo.settle()
    app.deliveries.clear()
    receiver.received.clear()
    return app
