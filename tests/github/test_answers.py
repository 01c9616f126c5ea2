"""Which statuses are a success, whether Python has a name for them or not."""

import pytest

from automation.github.answers import is_success


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299])
def test_a_success(status: int) -> None:
    assert is_success(status)


@pytest.mark.parametrize("status", [0, 100, 199, 300, 304, 404, 500, 599])
def test_no_success(status: int) -> None:
    assert not is_success(status)
