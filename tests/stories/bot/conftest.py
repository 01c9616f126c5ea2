"""A repository on GitHub, an App that is installed there, its bot, and a real agent-server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.bot_process import SECRET, BotProcess
from tests.fakes.github.apps import App
from tests.fakes.github.checks import CheckRun
from tests.fakes.github.comments import Comment
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.prefork import BOT, Nursery
from tests.servers import RealServer
from tests.settable_clock import SettableClock
from tests.teller import eventually
from tests.workflow import REPOSITORY, WORKFLOW_RUN, Checkout, Job, git

PERMISSIONS = {"checks": "write", "contents": "read", "pull_requests": "write", "issues": "read"}
OF_JOBS = {"contents": "read", "pull_requests": "read", "actions": "read"}
HELLO = "echo hello from $AUTOMATION_NAME; echo at $AUTOMATION_SHA"
NUMBER = 7


@dataclass
class Demo:
    """The repository octo/demo, its pull request 7 by bob, and the bot; alice may write, mallory is nobody."""

    directory: Path
    github: FakeGitHub
    server: RealServer
    checkout: Checkout
    app: App
    bot: BotProcess
    repository: Repository
    _before: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before = self.server.directories()

    def automation(self, main: str = HELLO, slug: str = "hello", **definition: Any) -> str:
        """Commit an automation to main; the commit."""
        git(self.checkout.path, "checkout", "-q", "main")
        self.checkout.automation(slug, main, **definition)
        return self.checkout.commit(f"Add {slug}")

    def branch(self, name: str = "feature", file: str = "feature.txt") -> str:
        """A new commit on a branch that leaves main here, or goes on; the commit."""
        known = git(self.checkout.path, "branch", "--list", name)
        git(self.checkout.path, "checkout", "-q", *([] if known else ["-b"]), name)
        self.checkout.write(file, f"{name} {len(git(self.checkout.path, 'log', '--oneline'))}\n")
        sha = self.checkout.commit(f"Work on {name}")
        git(self.checkout.path, "checkout", "-q", "main")
        return sha

    def pull(self, number: int = NUMBER, **given: Any) -> Pull:
        """A new pull request of bob's."""
        branch = given.pop("head_ref", f"feature-{number}")
        head = given.pop("head", None) or self.branch(branch)
        return self.repository.pull(number, head=head, head_ref=branch, author="bob", **given)

    def comment(self, body: str, author: str = "alice", number: int = NUMBER) -> Comment:
        return self.repository.comment(number, body, author=author)

    def check(self, sha: str, name: str = "hello") -> CheckRun:
        """The one check run of this name on a commit."""
        checks = [each for each in self.repository.checks(sha) if each.name == name]
        assert len(checks) == 1, [f"{each.name}: {each.status} {each.conclusion}" for each in checks]
        return checks[0]

    async def concluded(self, sha: str, name: str = "hello", within: float = 30) -> CheckRun:
        """The same once it is completed."""

        def is_completed() -> bool:
            checks = [each for each in self.repository.checks(sha) if each.name == name]
            return bool(checks) and all(each.is_completed for each in checks)

        await eventually(is_completed, within)
        return self.check(sha, name)

    def said(self, number: int = NUMBER) -> list[Comment]:
        """What the bot has written on a pull request."""
        return [each for each in self.repository.comments_on(number) if each.author == self.app.bot]

    async def says(self, text: str, number: int = NUMBER, within: float = 20) -> Comment:
        """Wait until the bot has written this; the comment."""
        await eventually(lambda: any(text in each.body for each in self.said(number)), within)
        return next(each for each in self.said(number) if text in each.body)

    def runs(self) -> list[str]:
        """Directories that runs of this story have on the server."""
        return [name for name in self.server.directories() if name not in self._before]

    def job(self, sha: str, number: int) -> Job:
        """A job of a workflow run at this commit, beside the bot."""
        run_id = WORKFLOW_RUN + number
        self.repository.workflow_run(run_id, head_sha=sha, event="push")
        directory = self.directory / f"job-{number}"
        directory.mkdir()
        token = self.github.job_token(REPOSITORY, run_id=run_id, permissions=OF_JOBS)
        return Job(
            directory,
            self.github,
            self.checkout,
            sha=sha,
            run_id=run_id,
            server=self.server,
            token=token.value,
        )

    def output(self, run_id: str) -> str:
        """What a run has written so far."""
        file = self.server.runs / run_id / "output.log"
        return file.read_text() if file.exists() else ""

    async def running(self, text: str = "started") -> str:
        """Wait until the one run on the server has written this; its id."""
        await eventually(lambda: len(self.runs()) == 1, 20)
        [run_id] = self.runs()
        await eventually(lambda: text in self.output(run_id), 20)
        return run_id


type Begin = Callable[..., Awaitable[Demo]]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Forks the bots of this process's stories."""
    with closing(Nursery(BOT)) as made:
        yield made


@pytest.fixture
async def begin(
    github: FakeGitHub, server: RealServer, nursery: Nursery, tmp_path: Path
) -> AsyncIterator[Begin]:
    """Set everything up and start the bot, with settings and on a server of one's choice."""
    async with AsyncExitStack() as stack:

        async def start(
            on: RealServer | None = None,
            slug: str = "demo-bot",
            *,
            clock: SettableClock | None = None,
            starts: bool = True,
            **more: str,
        ) -> Demo:
            checkout = Checkout.make(tmp_path / "checkout")
            checkout.automation("hello", HELLO)
            checkout.commit("Say hello")
            repository = github.repository(REPOSITORY, git=checkout.path)
            for login, role in (("alice", "write"), ("bob", "write"), ("rita", "read")):
                repository.collaborator(login, role)
            github.user("mallory")
            app = github.app(slug, PERMISSIONS, secret=SECRET)
            app.install(REPOSITORY)
            bot = BotProcess(tmp_path / "bot", app, on or server, more, clock=clock, nursery=nursery)
            stack.callback(bot.end)
            app.hook(bot.webhook, SECRET)
            if starts:
                await bot.start()
            return Demo(tmp_path, github, on or server, checkout, app, bot, repository)

        yield start


@pytest.fixture
async def demo(begin: Begin) -> Demo:
    """The usual one."""
    return await begin()
