"""A bot in this process: a real store, a GitHub with a repository and its App, an agent-server of one's choice."""

import functools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from automation.definition.role import Role
from automation.settings import Settings
from bot.bot import Bot
from bot.caps import Caps
from bot.definitions import Definitions
from bot.github.installations import Installations
from bot.runs.driver import Driver
from bot.runs.run import Run, State
from bot.settings import BotSettings
from bot.store.store import Store
from bot.vault import Vault, new_key
from tests.fakes.github.apps import App
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.teller import eventually
from tests.workflow import REPOSITORY, Checkout, git

PERMISSIONS = {"checks": "write", "contents": "read", "pull_requests": "write", "issues": "read"}
OPERATOR = "the-operators-token"
NOWHERE = "http://127.0.0.1:9"
read_key = functools.cache(load_pem_private_key)


@contextmanager
def quick_keys() -> Iterator[None]:
    """Reading a key takes a twentieth of a second, for each JWT that is signed and for each that is checked."""
    with (
        patch("jwt.algorithms.load_pem_private_key", read_key),
        patch("tests.fakes.github.credentials.load_pem_private_key", read_key),
    ):
        yield


@dataclass
class Place:
    """The repository octo/demo with pull request 7, and the bot; alice may write, rita may read."""

    github: FakeGitHub
    checkout: Checkout
    app: App
    repository: Repository
    bot: Bot
    driver: Driver
    pull: Pull
    main: str

    @property
    def installation(self) -> int:
        return self.app.installations[0].id

    def automation(self, main: str, slug: str = "hello", **definition: Any) -> str:
        """Commit an automation to main; the commit."""
        git(self.checkout.path, "checkout", "-q", "main")
        self.checkout.automation(slug, main, **definition)
        self.main = self.checkout.commit(f"Add {slug}")
        return self.main

    def set_apart(self, url: str) -> None:
        """From now on there is a server for forks."""
        core = replace(self.bot.settings.core, fork_agent_server_url=url)
        self.bot.settings = replace(self.bot.settings, core=core)

    def fork(self) -> None:
        """From now on the pull request is a fork's."""
        self.github.world.fork(REPOSITORY, "eve/demo")
        self.pull.fork = "eve/demo"

    def a_run(self, **changes: Any) -> Run:
        """A run of `hello` on the pull request, accepted now."""
        now = time.time()
        run = Run(
            id=uuid4(),
            repository=REPOSITORY,
            installation=self.installation,
            automation="hello",
            name="hello",
            definition_sha=self.main,
            head_sha=self.pull.head,
            head_ref="feature",
            base_sha=self.main,
            base_ref="main",
            pull_request=self.pull.number,
            actor="alice",
            asks_role=Role.WRITE,
            cause="issue_comment.created",
            event_name="issue_comment",
            lane=f"lane {uuid4()}",
            timeout=60,
            accepted_at=now,
            deadline=now + 3600,
        )
        return replace(run, **changes)

    async def add(self, **changes: Any) -> Run:
        """The same, as a row that somebody has to drive."""
        run = self.a_run(**changes)
        assert await self.bot.store.runs.add(run)
        self.driver.poke(run.id)
        return run

    async def now(self, run: Run) -> Run:
        found = await self.bot.store.runs.get(run.id)
        assert found is not None
        return found

    async def reaches(self, run: Run, state: State, within: float = 20) -> Run:
        async def has_reached() -> bool:
            return (await self.now(run)).state is state

        await eventually(has_reached, within)
        return await self.now(run)

    def requests(self) -> list[str]:
        """What the bot has asked of GitHub: methods and paths below the repository."""
        return [
            f"{each.method} {each.path.removeprefix(f'/repos/{REPOSITORY}')}"
            for each in self.github.requests_of(self.app)
        ]


def settings_of(directory: Path, github: FakeGitHub, app: App, server: RealServer | None) -> BotSettings:
    return BotSettings(
        app_id=app.id,
        private_key=app.private_key,
        webhook_secret="the-webhook-secret-of-tests",
        github_api_url=github.url,
        public_url="http://bot.test",
        database_url=f"sqlite:///{directory / 'bot.sqlite3'}",
        secret_keys=(new_key(),),
        operator_token=OPERATOR,
        core=Settings(
            agent_server_url=server.url if server else NOWHERE,
            agent_server_api_key=server.key if server else "",
            patience=30 if server else 0,
        ),
        caps=Caps(),
    )


@asynccontextmanager
async def opened(
    directory: Path, github: FakeGitHub, server: RealServer | None = None, **changes: Any
) -> AsyncIterator[Place]:
    """The place, whose driver drives nothing before it is told to.

    Args:
        server: None for one that nobody can reach.
        changes: to the bot's settings.
    """
    checkout = Checkout.make(directory / "checkout")
    checkout.automation("hello", "echo hello")
    main = checkout.commit("Say hello")
    git(checkout.path, "checkout", "-q", "-b", "feature")
    checkout.write("feature.txt", "new\n")
    head = checkout.commit("Work")
    git(checkout.path, "checkout", "-q", "main")
    repository = github.repository(REPOSITORY, git=checkout.path)
    for login, role in (("alice", "write"), ("bob", "write"), ("rita", "read")):
        repository.collaborator(login, role)
    app = github.app("demo-bot", PERMISSIONS)
    app.install(REPOSITORY)
    pull = repository.pull(7, head=head, author="bob")
    settings = replace(settings_of(directory, github, app, server), **changes)
    workspace = directory / "workspace"
    workspace.mkdir()
    with quick_keys():
        async with Store.open(settings.database_url) as store:
            bot = Bot(
                settings=settings,
                store=store,
                vault=Vault(settings.secret_keys),
                instance="instance",
                workspace=workspace,
                installations=Installations(settings.github_api_url, settings.app_id, settings.private_key),
                definitions=Definitions(workspace),
            )
            try:
                yield Place(github, checkout, app, repository, bot, Driver(bot), pull, main)
            finally:
                await bot.asides.leave_off()
                bot.installations.close()
