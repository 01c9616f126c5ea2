"""The same stories on a server that is there, and in sandboxes that are made for each run: nothing may tell them apart."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer


@pytest.fixture(params=["agent-server", "cloud"])
def backend(request: pytest.FixtureRequest) -> str:
    """A fixture of its own: with parameters of its own, `server` would be started anew for each test."""
    return str(request.param)


@pytest.fixture
def server(backend: str, server: RealServer) -> Iterator[RealServer]:
    with reached_by(backend, server):
        yield server


@pytest.fixture
def mortal(backend: str, mortal: RealServer) -> Iterator[RealServer]:
    """What dies and comes back in a sandbox is the agent-server; the sandbox stays."""
    with reached_by(backend, mortal):
        yield mortal


@contextmanager
def reached_by(backend: str, server: RealServer) -> Iterator[None]:
    """Have runs come to the server in this way; afterwards, no sandbox is left but those that were kept."""
    if backend == "agent-server":
        yield
        return
    with FakeCloud(server) as cloud:
        server.cloud = cloud
        try:
            yield
        finally:
            server.cloud = None
    for box in cloud.boxes:
        assert box.is_kept or box.deleted_at is not None
        assert box.deleted_at is None or all(at <= box.deleted_at for at, _ in box.gate.calls)
