"""The edge that a client of one agent-server meets in place of one."""

from collections.abc import Iterator

import pytest
import respx


@pytest.fixture
def edge() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as edge:
        yield edge
