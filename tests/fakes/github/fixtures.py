"""A GitHub for every test that asks for one."""

from collections.abc import Iterator

import pytest

from tests.fakes.github.contract import Contract
from tests.fakes.github.packages import DescriptionMissing
from tests.fakes.github.server import FakeGitHub


@pytest.fixture(scope="session")
def contract() -> Contract:
    """GitHub's OpenAPI description; skips where it cannot be had, which in CI is a failure."""
    try:
        return Contract.load()
    except DescriptionMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def github(contract: Contract) -> Iterator[FakeGitHub]:
    """A fresh GitHub; at the end nothing may have broken GitHub's description, on either side."""
    with FakeGitHub() as fake:
        fake.attach(contract)
        yield fake
    assert not fake.violations, "\n".join(fake.violations)
