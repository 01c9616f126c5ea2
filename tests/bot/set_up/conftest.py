"""What GitHub answers to a conversion, and a GitHub that says what it is told to."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.bot.set_up.platform import Platform, platform
from tests.fakes.github.apps import private_key


@pytest.fixture
def conversion() -> dict[str, Any]:
    """The answer, cut down to what is near to what is read.

    Source: https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    return {
        "id": 4711,
        "slug": "our-bot",
        "name": "Our bot",
        "owner": {"login": "octo", "type": "Organization"},
        "html_url": "https://github.com/apps/our-bot",
        "client_id": "Iv1.8a61f9b3a7aba766",
        "client_secret": "the-client-secret-is-not-kept",
        "webhook_secret": "e340154128314309424b7c8e90325147d99fdafa",
        "pem": private_key(1),
    }


@pytest.fixture
def odd() -> Iterator[Platform]:
    with platform() as served:
        yield served
