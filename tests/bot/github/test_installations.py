"""A repository's client is kept with its token, which is good for that repository and no more than is needed."""

import pytest

from bot.github import installations as module
from bot.github.installations import WANTED, Installations
from tests.fakes.github.apps import App
from tests.fakes.github.server import FakeGitHub
from tests.workflow import REPOSITORY


def minted(github: FakeGitHub) -> list[object]:
    return [each.json for each in github.requests if each.path.endswith("/access_tokens")]


async def test_its_token_is_narrowed_and_minted_once(
    installations: Installations, app: App, github: FakeGitHub
) -> None:
    number = app.installations[0].id
    hub = installations.client(REPOSITORY, number)
    await hub.get("")
    await hub.get("")
    assert installations.client("Octo/Demo", number) is hub
    assert minted(github) == [{"repositories": ["demo"], "permissions": dict(WANTED)}]
    assert len(github.requests) == 3


async def test_each_repository_and_each_installation_has_its_own(
    installations: Installations, app: App
) -> None:
    number = app.installations[0].id
    hub = installations.client(REPOSITORY, number)
    assert installations.client("octo/other", number) is not hub
    assert installations.client(REPOSITORY, number + 1) is not hub
    assert installations.client(REPOSITORY, number) is hub


async def test_those_that_are_used_often_are_kept(
    installations: Installations, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    first, second = installations.client("octo/a", 1), installations.client("octo/b", 1)
    assert installations.client("octo/a", 1) is first
    installations.client("octo/c", 1)
    assert installations.client("octo/a", 1) is first
    assert installations.client("octo/b", 1) is not second


async def test_whoever_still_uses_one_that_is_not_kept_goes_on(
    installations: Installations, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    hub = installations.client(REPOSITORY, app.installations[0].id)
    await hub.get("")
    installations.client("octo/other", 1)
    assert (await hub.get(""))["full_name"] == REPOSITORY


async def test_nothing_of_the_key_is_shown(installations: Installations) -> None:
    assert "PRIVATE" not in repr(installations)
