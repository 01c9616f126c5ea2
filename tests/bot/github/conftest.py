"""A repository with a pull request, and an App that may write to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.github import GitHub, client
from bot.github.comments import Comments
from bot.github.installations import Installations
from tests.bot.runs.place import PERMISSIONS, quick_keys
from tests.fakes.github.apps import App
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub
from tests.workflow import REPOSITORY, Checkout


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    with quick_keys():
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = Checkout.make(tmp_path_factory.mktemp("octo") / "checkout")
    checkout.commit()
    return checkout.path


@pytest.fixture
def repository(github: FakeGitHub, directory: Path) -> Repository:
    repository = github.repository(REPOSITORY, directory)
    github.repository("octo/other", directory)
    repository.pull(7, head=repository.resolve("main"), author="bob")
    return repository


@pytest.fixture
def app(github: FakeGitHub, repository: Repository) -> App:
    app = github.app("demo-bot", PERMISSIONS)
    app.install(REPOSITORY, "octo/other")
    return app


@pytest.fixture
def installations(github: FakeGitHub, app: App) -> Iterator[Installations]:
    installations = Installations(github.url, app.id, app.private_key)
    yield installations
    installations.close()


@pytest.fixture
async def hub(installations: Installations, app: App) -> GitHub:
    hub = installations.client(REPOSITORY, app.installations[0].id)
    await hub.token()
    return hub


@pytest.fixture
def comments(hub: GitHub, app: App) -> Comments:
    return Comments(hub, app.id)
