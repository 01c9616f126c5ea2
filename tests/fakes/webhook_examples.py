"""GitHub's own examples of webhook payloads.

What hooks of an App always say and most examples leave out, the installation, is added on request.
"""

import copy
import functools
from typing import Any

import pytest

from tests.fakes.github.packages import DescriptionMissing, Package

EXAMPLES = Package(
    "@octokit/webhooks-examples",
    "7.6.1",
    "De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    "the collection of GitHub's webhook examples",
)
MEMBER = "package/api.github.com/index.json"


def examples(*, installation: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Every example as a pair of the event's name and its payload, which the caller may change.

    Skips the test where they cannot be had, which in CI is a failure.

    Args:
        installation: id to be added to every payload that names none; 0 leaves them as they are.
    """
    try:
        found = copy.deepcopy(_read())
    except DescriptionMissing as missing:
        pytest.skip(str(missing))
    for _, payload in found:
        if installation:
            payload.setdefault("installation", {"id": installation})
    return found


@functools.cache
def _read() -> list[tuple[str, dict[str, Any]]]:
    events = EXAMPLES.json(MEMBER)
    return [(event["name"], example) for event in events for example in event["examples"]]
