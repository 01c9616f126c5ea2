"""A GitHub that says what it is told to."""

from collections.abc import Iterator

import pytest

from tests.bot.set_up.platform import Platform, platform


@pytest.fixture
def odd() -> Iterator[Platform]:
    with platform() as served:
        yield served
