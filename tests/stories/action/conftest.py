"""A repository on GitHub with automations in it, and jobs that run them on a real agent-server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github.checks import CheckRun
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.workflow import REPOSITORY, WORKFLOW_RUN, Checkout, Job

PERMISSIONS = {"checks": "write", "contents": "read", "pull_requests": "read", "actions": "read"}


@dataclass
class Demo:
    """The repository octo/demo, as its people see it."""

    directory: Path
    github: FakeGitHub
    server: RealServer
    checkout: Checkout
    private: bool = False
    _repository: Repository | None = None
    _jobs: int = 0
    _before: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before = self.server.directories()

    @property
    def repository(self) -> Repository:
        if self._repository is None:
            self._repository = self.github.repository(
                REPOSITORY, git=self.checkout.path, private=self.private
            )
        return self._repository

    def automation(self, main: str, slug: str = "review", **definition: Any) -> str:
        """Commit an automation; the commit."""
        self.checkout.automation(slug, main, **definition)
        return self.checkout.commit(f"Add {slug}")

    def job(self, sha: str = "", permissions: dict[str, str] | None = None, **given: Any) -> Job:
        """A job of a workflow run at this commit."""
        sha = sha or self.checkout.commit("Anything")
        self._jobs += 1
        run_id = given.pop("run_id", WORKFLOW_RUN + self._jobs - 1)
        self.repository.workflow_run(run_id, head_sha=sha, event=given.get("event_name", "push"))
        directory = self.directory / f"job-{self._jobs}"
        directory.mkdir()
        if "token" not in given:
            token = self.github.job_token(REPOSITORY, run_id=run_id, permissions=permissions or PERMISSIONS)
            given["token"] = token.value
        given.setdefault("server", self.server)
        return Job(directory, self.github, self.checkout, sha=sha, run_id=run_id, **given)

    def runs(self) -> list[str]:
        """Directories that runs of this story have on the server."""
        return [name for name in self.server.directories() if name not in self._before]

    def check(self, sha: str) -> CheckRun:
        """The one check run on a commit."""
        checks = self.repository.checks(sha)
        assert len(checks) == 1, [f"{each.name}: {each.status} {each.conclusion}" for each in checks]
        return checks[0]

    def writes(self) -> list[str]:
        """What was asked of GitHub that changes something."""
        return [f"{each.method} {each.path}" for each in self.github.requests if each.method != "GET"]


@pytest.fixture
def demo(github: FakeGitHub, server: RealServer, tmp_path: Path) -> Demo:
    return Demo(tmp_path, github, server, Checkout.make(tmp_path / "checkout"))


@pytest.fixture
def demo_on(github: FakeGitHub, tmp_path: Path) -> Callable[[RealServer], Demo]:
    """The same on a server of one's choice."""
    return lambda server: Demo(tmp_path, github, server, Checkout.make(tmp_path / "checkout"))
