"""What the demo plays on: a GitHub stand-in, a real agent-server and the bot, each of them ended and removed again."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from automation.backends.embedded import EmbeddedServer
from tests.bot_process import OPERATOR, ROOT, SECRET, BotProcess
from tests.fakes.github.apps import App
from tests.fakes.github.pulls import Pull
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.workflow import REPOSITORY, Checkout, git

HELLO = Path(".openhands") / "automations" / "hello"
NUMBER = 7
PERMISSIONS = {"checks": "write", "contents": "read", "pull_requests": "write", "issues": "read"}
OPERATOR_TOKEN = OPERATOR
"""Opens the table of all runs."""


@dataclass(frozen=True)
class Stage:
    """A repository with the automation `hello`, bob's pull request there, and the bot that was told of it."""

    repository: Repository
    pull: Pull
    app: App
    bot: BotProcess


@asynccontextmanager
async def stage(say: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start everything, and end it however the body ends.

    Args:
        say: told, in a sentence each, what is there.
    """
    async with AsyncExitStack() as stack:
        given = tempfile.TemporaryDirectory(prefix="automation-demo-", ignore_cleanup_errors=True)
        home = Path(stack.enter_context(given))
        checkout = _checkout(home / "checkout")
        github = stack.enter_context(FakeGitHub())
        repository, pull = _repository(github, checkout)
        app = github.app("demo-bot", PERMISSIONS, secret=SECRET)
        app.install(REPOSITORY)
        say(f"The GitHub stand-in at {github.url} has {REPOSITORY} and its pull request {NUMBER}.")
        server = RealServer(home / "server", secrets.token_urlsafe(32))
        await stack.enter_async_context(EmbeddedServer(server.port, server.key).connect())
        say(f"The agent-server at {server.url} is ready.")
        # What it writes elsewhere is removed with the rest, even if it has to be killed.
        bot = BotProcess(home / "bot", app, server, {"TMPDIR": str(home)})
        stack.callback(bot.end)
        await bot.start()
        stack.push_async_callback(bot.terminate)
        app.hook(bot.webhook, SECRET)
        say(f"The bot at {bot.url} takes webhooks.")
        yield Stage(repository, pull, app, bot)


def _checkout(path: Path) -> Checkout:
    checkout = Checkout.make(path)
    shutil.copytree(ROOT / HELLO, path / HELLO)
    checkout.commit("Say hello")
    git(path, "checkout", "-q", "-b", "feature")
    checkout.write("feature.txt", "Something new\n")
    checkout.commit("Add something new")
    git(path, "checkout", "-q", "main")
    return checkout


def _repository(github: FakeGitHub, checkout: Checkout) -> tuple[Repository, Pull]:
    repository = github.repository(REPOSITORY, git=checkout.path)
    repository.collaborator("alice", "write")
    head = repository.resolve("feature")
    pull = repository.pull(NUMBER, head=head, author="bob", title="Add something new")
    return repository, pull
