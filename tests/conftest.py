"""Fixtures for all tests: real agent-servers, and the rule that CI skips nothing."""

import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing

import pytest
import pytest_asyncio

from tests.postgresql import HOW_TO_GET_IT, PostgreSQL, postgresql, program
from tests.prefork import AGENT_SERVER, Nursery
from tests.servers import PYTHON, RealServer, real_server

pytest_plugins = ["tests.fakes.github.fixtures"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: everything that a test needs is provided there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
    return report


ONCE = ("mortal", "open_server", "account")
"""Servers that take seconds of processor to start and that few tests need: one worker has them."""

LONG = ("chaos", "soak")
"""Markers of what takes many minutes; a variable of the same name asks for it."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Tests of one server go to one worker. What takes many minutes runs when asked for."""
    for item in items:
        for name in ONCE:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(name))
    yield
    if getattr(config.option, "loadgroup", False):
        # pytest 9.2 with pytest-xdist 3.8 groups none, without a word.
        grouped = [item for item in items if item.get_closest_marker("xdist_group")]
        assert all("@" in item.nodeid for item in grouped), "pytest-xdist groups no tests"
    unasked = [name for name in LONG if not os.environ.get(name.upper())]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unasked)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def server_nursery() -> Iterator[Nursery | None]:
    """Forks the agent-servers of this process's tests; none does where they are another environment's."""
    if sys.executable != PYTHON:
        yield None
        return
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENHANDS_SUPPRESS_BANNER": "1"}
    with closing(Nursery(AGENT_SERVER, quiet)) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(
    tmp_path_factory: pytest.TempPathFactory, server_nursery: Nursery | None
) -> AsyncIterator[RealServer]:
    """A keyed agent-server that all tests of this process share; nobody may kill it."""
    async with real_server(tmp_path_factory.mktemp("server"), nursery=server_nursery) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def open_server(
    tmp_path_factory: pytest.TempPathFactory, server_nursery: Nursery | None
) -> AsyncIterator[RealServer]:
    """An agent-server without a key."""
    home = tmp_path_factory.mktemp("open-server")
    async with real_server(home, key="", nursery=server_nursery) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mortal(
    tmp_path_factory: pytest.TempPathFactory, server_nursery: Nursery | None
) -> AsyncIterator[RealServer]:
    """An agent-server to kill; every test leaves it running again."""
    async with real_server(tmp_path_factory.mktemp("mortal-server"), nursery=server_nursery) as started:
        yield started


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL that all tests of this process share; nobody may end it."""
    if program("initdb") is None:
        pytest.skip(HOW_TO_GET_IT)
    with postgresql() as cluster:
        yield cluster
