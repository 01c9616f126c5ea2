"""Whether the servers that runs go to answer is known before a run needs them."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.contact import Contact, Contacts
from bot.servers import Servers
from tests.bot.runs.place import NOWHERE, Place, opened
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer


@pytest.fixture
async def place(github: FakeGitHub, server: RealServer, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, github, server) as place:
        yield place


def moved(place: Place, **core: Any) -> None:
    place.bot.settings = replace(place.bot.settings, core=replace(place.bot.settings.core, **core))


async def test_news_are_remembered_and_logged_once(
    place: Place, server: RealServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.servers")
    contacts, servers = place.bot.contacts, Servers(place.bot)
    await servers.ask()
    assert contacts == Contacts()
    moved(place, agent_server_url=NOWHERE)
    await servers.ask()
    await servers.ask()
    assert contacts.server != Contact()
    assert contacts.fork_server == Contact()
    moved(place, agent_server_url=server.url)
    await servers.ask()
    assert contacts == Contacts()
    first, second = caplog.messages
    assert first.startswith("the agent-server does not answer: ")
    assert second == "the agent-server answers again"


async def test_that_of_forks_is_asked_by_itself(place: Place) -> None:
    moved(place, fork_agent_server_url=NOWHERE)
    await Servers(place.bot).ask()
    assert place.bot.contacts.server.error is None
    assert place.bot.contacts.fork_server.error is not None


async def test_a_cloud_is_asked_in_place_of_a_server(place: Place) -> None:
    moved(place, agent_server_url="", cloud_api_url=NOWHERE, cloud_api_key="key")
    await Servers(place.bot).ask()
    assert place.bot.contacts.server.error is not None
