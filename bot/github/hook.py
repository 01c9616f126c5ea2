"""GitHub's own record of what it has sent to the App, asked as the App itself.

Source: https://docs.github.com/en/rest/apps/webhooks
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Self

from automation.github.allowance import Allowance
from automation.github.answers import understood
from automation.github.client import WHOLE
from automation.github.clock import GitHubClock
from automation.github.daemon_thread import in_daemon_thread
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.gate import Gate, OneAtATime
from automation.github.lane import Lane
from automation.github.transport import AppKey, Transport

PATH: Final = "/app/hook/deliveries"
PER_PAGE: Final = 100
TIMEOUT: Final = 20
"""Seconds for each silence; a whole call may take `WHOLE` times as long."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of GitHub's to deliver something; what is delivered again is another one with the same GUID.

    Attributes:
        action: the payload's, empty for none.
        at: Unix time in seconds by GitHub's clock.
        is_received: it was answered with success.
    """

    id: int
    guid: str
    event: str
    action: str
    at: float
    is_received: bool

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """From the API's answer.

        Raises:
            GitHubUnavailable: it is not of that form.
        """
        with understood("a delivery"):
            return cls(
                id=int(item["id"]),
                guid=str(item["guid"]),
                event=str(item["event"]),
                action=str(item.get("action") or ""),
                at=datetime.fromisoformat(str(item["delivered_at"])).timestamp(),
                is_received=200 <= int(item.get("status_code") or 0) < 300,  # noqa: PLR2004
            )


class Hook:
    """The App's webhook as GitHub shows it; one call at a time."""

    def __init__(self, api_url: str, app_id: int, private_key: str, gate: Gate | None = None) -> None:
        key = AppKey(str(app_id), private_key)
        self._clock = GitHubClock()
        self._connect = partial(Transport.connect, api_url, key, TIMEOUT, self._clock, self._hear)
        self._transport = self._connect()
        self._gate = gate or OneAtATime()
        self._loop = asyncio.get_running_loop()

    @property
    def clock(self) -> GitHubClock:
        """GitHub's, as far as it is known."""
        return self._clock

    def close(self) -> None:
        self._transport.close()

    async def attempts(self, cursor: str = "") -> tuple[list[Attempt], str]:
        """A page of attempts, the newest first, and the cursor of the next page; empty after the last one.

        Raises:
            GitHubRefuses, GitHubUnavailable: it could not be had.
        """
        parameters = {"per_page": PER_PAGE} | ({"cursor": cursor} if cursor else {})
        answer, following = await self._ask(PATH, lambda transport: transport.page(PATH, parameters))
        if not isinstance(answer, list):
            raise GitHubUnavailable("GitHub's list of deliveries is not of its form")
        return [Attempt.read(item) for item in answer], following

    async def payload(self, attempt: Attempt) -> dict[str, Any]:
        """What was sent.

        Raises:
            GitHubRefuses: it is not kept any more.
            GitHubUnavailable: it could not be had.
        """
        path = f"{PATH}/{attempt.id}"
        answer = await self._ask(path, lambda transport: transport.send("GET", path, {}, None))
        with understood("a delivery"):
            payload = answer["request"]["payload"]
        if payload is None:
            raise GitHubRefuses(
                "GitHub's record of a delivery has no payload any more", status=HTTPStatus.NOT_FOUND
            )
        if not isinstance(payload, dict):
            raise GitHubUnavailable("GitHub's record of a delivery is not of its form")
        return payload

    async def _ask[T](self, path: str, call: Callable[[Transport], T]) -> T:
        """The call's result, waited for in bounded time, also where an answer drips and no silence is too long."""
        async with self._gate.turn(self, Lane.WATCH):
            transport = self._transport
            try:
                async with asyncio.timeout(WHOLE * TIMEOUT):
                    return await in_daemon_thread(lambda: call(transport))
            except TimeoutError:
                self._transport = self._connect()
                raise GitHubUnavailable(f"GitHub did not end its answer to GET {path}") from None
            except asyncio.CancelledError:
                # The connection is left to the thread that goes on with it.
                self._transport = self._connect()
                raise

    def _hear(self, told: Allowance) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._gate.hear, told)
