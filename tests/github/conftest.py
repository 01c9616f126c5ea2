"""What most of these tests start from: a repository with one commit, on a GitHub."""

import pytest

from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("octo") / "checkout")
    checkout.commit()
    return checkout


@pytest.fixture
def octo(github: FakeGitHub, checkout: Checkout) -> FakeGitHub:
    github.repository("octo/demo", checkout.path)
    return github
