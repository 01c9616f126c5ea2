"""GitHub's record of deliveries is asked in bounded time, and each connection is one thread's."""

import asyncio
import threading
import time
from contextlib import closing

import pytest

from automation.github.errors import GitHubUnavailable
from automation.github.transport import Transport
from bot.github import hook as module
from bot.github.hook import Attempt, Hook
from tests.dripping import dripping
from tests.fakes.github.apps import App
from tests.teller import eventually

ATTEMPT = Attempt(1, "guid", "issue_comment", "created", 1000.0, is_received=False)


async def test_github_that_drips_is_given_up_in_bounded_time(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and the answer never ends: the time-out of a silence is not enough."""
    monkeypatch.setattr(module, "TIMEOUT", 1)
    async with dripping() as url:
        with closing(Hook(url, app.id, app.private_key)) as hook:
            began = time.monotonic()
            async with asyncio.timeout(15):
                with pytest.raises(
                    GitHubUnavailable, match="did not end its answer to GET /app/hook/deliveries"
                ):
                    await hook.attempts()
                with pytest.raises(GitHubUnavailable, match=r"did not end its answer to GET .*/1$"):
                    await hook.payload(ATTEMPT)
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "too slow"])
async def test_what_a_thread_still_uses_is_not_used_by_the_next_call(
    app: App, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    used: list[tuple[Transport, bool]] = []
    goes_on = threading.Event()

    def page(transport: Transport, *_: object) -> tuple[list[object], str]:
        used.append((transport, threading.current_thread().daemon))
        if len(used) == 1:
            goes_on.wait(30)
        return [], ""

    monkeypatch.setattr(module, "TIMEOUT", 30 if is_cancelled else 1)
    monkeypatch.setattr(Transport, "page", page)
    try:
        with closing(Hook("http://127.0.0.1:1", app.id, app.private_key)) as hook:
            first = asyncio.create_task(hook.attempts())
            await eventually(lambda: bool(used))
            if is_cancelled:
                first.cancel()
            with pytest.raises(asyncio.CancelledError if is_cancelled else GitHubUnavailable):
                await asyncio.wait_for(first, 10)
            assert await hook.attempts() == ([], "")
            assert await hook.attempts() == ([], "")
    finally:
        goes_on.set()
    (abandoned, _), (fresh, _), (again, _) = used
    assert abandoned is not fresh
    assert fresh is again
    assert all(is_daemon for _, is_daemon in used), "at its end the process would wait for the thread"
