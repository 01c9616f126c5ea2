"""A call at one of our HTTP edges, and the error that an odd answer makes of it."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
import respx

from automation.errors import AutomationError

type OddAnswer = httpx.Response | Exception


async def error_of[E: AutomationError](
    kind: type[E],
    call: Callable[[], Awaitable[object]],
    edge: respx.MockRouter,
    answer: OddAnswer,
    *,
    url: str,
    key: str,
) -> E:
    """What the call fails with on this answer: one line that names the place and not the key, after one request."""
    if isinstance(answer, Exception):
        edge.route().mock(side_effect=answer)
    else:
        edge.route().mock(return_value=answer)
    with pytest.raises(kind) as refusal:
        await call()
    sentence = refusal.value.sentence
    assert len(sentence.splitlines()) == 1
    assert url in sentence
    assert key not in sentence
    assert "<html>" not in sentence
    assert len(edge.calls) == 1, "nothing here may retry"
    return refusal.value
