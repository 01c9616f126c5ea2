"""GitHub's REST API for one repository: one call at a time, in a thread, with patience of our own.

A call that failed for the moment is made again, after what GitHub asked for or a pause that grows, within
the patience that the caller has. A POST is made once only: its effect may be there although its answer was
lost, so that whoever makes it looks before it makes another (`checks.Checks.open`). A PATCH can append.
"""

import asyncio
import copy
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from automation.finishing import to_its_end
from automation.github.allowance import Allowance
from automation.github.answers import understood
from automation.github.clock import GitHubClock
from automation.github.daemon_thread import in_daemon_thread
from automation.github.errors import GitHubNotAsked, GitHubRefuses, GitHubUnavailable
from automation.github.gate import Gate, OneAtATime
from automation.github.lane import Lane
from automation.github.tokens import AppTokens, Tokens
from automation.sentences import one_line

if TYPE_CHECKING:
    from automation.github.transport import Credentials, Transport

TIMEOUT = 15
"""Seconds for the connection and for each silence of GitHub."""
URGENT = 3
"""The same, in seconds, for somebody who is about to be killed."""
WHOLE = 2
"""Times the time-out, which is one of silence, for a whole call."""
PATIENCE = 45.0
"""Seconds that a call may go on being tried."""
LIMITED = 120.0
"""Seconds of patience on top of it where GitHub says when its limit ends."""
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between two tries, the last one for all that follow."""
PER_PAGE = 100
"""Items; the most that GitHub gives on a page.

Source: https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""


@dataclass(eq=False)
class _Connection:
    """What the lanes of one client share."""

    token: str = ""
    transport: "Transport | None" = None


class GitHub:
    """A client for one repository.

    Attributes:
        repository: `owner/name`.
        api_url: of github.com or of a GitHub Enterprise Server, without a trailing slash.
        patience: seconds that a call may go on being tried.
        timeout: seconds for each try.
        gate: lets its requests through.
        lane: in which they go.
    """

    def __init__(
        self,
        api_url: str,
        repository: str,
        tokens: Tokens,
        *,
        patience: float = PATIENCE,
        timeout: int = TIMEOUT,
        gate: Gate | None = None,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self.repository = repository
        self.tokens = tokens
        self.patience = patience
        self.timeout = timeout
        self.gate = gate or OneAtATime()
        self.lane = Lane.START
        self._connection = _Connection()

    @property
    def clock(self) -> GitHubClock:
        """GitHub's, as far as it is known."""
        return self.tokens.clock

    def in_a_hurry(self) -> "GitHub":
        """A client of its own connections that tries once, with short time-outs: somebody is about to kill us."""
        return GitHub(self.api_url, self.repository, self.tokens, patience=0, timeout=URGENT)

    def at(self, lane: Lane) -> "GitHub":
        """The same client with its requests in another lane."""
        other = copy.copy(self)
        other.lane = lane
        return other

    async def get(self, path: str, **parameters: Any) -> Any:
        """GET below the repository; tried again while it is worth it.

        Raises:
            GitHubRefuses: it says no.
            GitHubUnavailable: patience is spent.
        """
        return await self._patiently("GET", path, parameters, None)

    async def get_once(self, path: str, **parameters: Any) -> Any:
        """The same, tried once: for what is itself part of a try."""
        return await self._once("GET", f"/repos/{self.repository}{path}", parameters, None)

    async def pages(
        self, path: str, key: str | None, *, limit: int, once: bool = False, **parameters: Any
    ) -> AsyncIterator[Any]:
        """The items of a list, at most `limit`; `key` names the list in the answer, None if it is the answer."""
        get = self.get_once if once else self.get
        left = limit
        for page in itertools.count(1):
            answer = await get(path, per_page=PER_PAGE, page=page, **parameters)
            with understood(path):
                items = list(answer[key] if key else answer)
            for item in items[:left]:
                yield item
            left -= len(items)
            if len(items) < PER_PAGE or left <= 0:
                return

    async def patch_once(self, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH below the repository, once; the caller looks before it makes another."""
        return await self._once("PATCH", f"/repos/{self.repository}{path}", {}, body)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST below the repository, once; the caller looks before it makes another."""
        return await self._once("POST", f"/repos/{self.repository}{path}", {}, body)

    async def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The data of a GraphQL answer; once.

        Raises:
            GitHubRefuses: it has errors.
            GitHubUnavailable: none came.

        Source: https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
        """
        path = f"{self.api_url.removesuffix('/v3')}/graphql"
        answer = await self._once("POST", path, {}, {"query": query, "variables": dict(variables)})
        with understood("a GraphQL query"):
            errors = answer.get("errors") or ()
            if errors:
                raise GitHubRefuses(f"GitHub refuses a GraphQL query: {one_line(str(errors[0]), 200)}")
            return answer["data"]

    async def token(self) -> str:
        """The current token, for what goes another way."""
        return await self.tokens.current(self.repository, self._as_app)

    async def bear[T](
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        unless: asyncio.Event | None = None,
        is_gated: bool = True,
    ) -> T:
        """Call until it succeeds, is refused, patience is spent, or nobody wants to wait any more (`unless`).

        Args:
            is_gated: the attempt waits at the gate by itself.
        """
        deadline = time.monotonic() + self.patience
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            try:
                return await attempt()
            except (GitHubRefuses, GitHubNotAsked):
                raise
            except GitHubUnavailable as error:
                wait = pause if error.wait is None else max(error.wait, 1)
                # A limit says when it ends: that is worth more patience than silence.
                allowed = LIMITED if error.wait is not None and self.patience else 0
                if time.monotonic() + wait > deadline + allowed:
                    raise
                if is_gated and error.wait is not None and self.gate.is_closed:
                    # There it waits among the others, and what is most urgent goes first.
                    continue
                # What GitHub asks for is kept to, whoever is in a hurry.
                if not await _waited(wait, unless if error.wait is None else None):
                    raise
        raise AssertionError("unreachable")

    async def download[T](self, call: Callable[[], T]) -> T:
        """The result of a call in a thread of its own that is one request by the token, beside the others."""
        async with self.gate.turn(None, self.lane):
            return await in_daemon_thread(call)

    def close(self) -> None:
        if self._connection.transport:
            with suppress(OSError):
                self._connection.transport.close()

    async def _patiently(self, method: str, path: str, parameters: Mapping[str, Any], body: Any) -> Any:
        path = f"/repos/{self.repository}{path}"
        return await self.bear(lambda: self._once(method, path, parameters, body))

    async def _once(self, method: str, path: str, parameters: Mapping[str, Any], body: Any) -> Any:
        async with self.gate.turn(self._connection, self.lane):
            token = await self.token()
            try:
                sending = self._send(token, method, path, parameters, body)
                # An edit that nobody waits for any more could arrive after the end and hide it.
                return await (to_its_end(sending) if self.lane is Lane.COSMETIC else sending)
            except GitHubRefuses as error:
                # An expired token did nothing: even a POST may be made again.
                if error.status != HTTPStatus.UNAUTHORIZED or not self.tokens.renew():
                    raise
                if self.lane is Lane.COSMETIC:
                    raise
            return await self._send(await self.token(), method, path, parameters, body)

    async def _as_app(self, method: str, path: str, body: Any) -> Any:
        assert isinstance(self.tokens, AppTokens)  # noqa: S101
        tokens = self.tokens

        def call() -> Any:
            from automation.github.transport import AppKey, Transport  # noqa: PLC0415  # PyGithub is heavy

            transport = Transport.connect(
                self.api_url, AppKey(tokens.app_id, tokens.private_key), self.timeout, self.clock
            )
            try:
                return transport.send(method, path, {}, body)
            finally:
                transport.close()

        # Minting is repeatable: a token that nobody received expires by itself.
        async def attempt() -> Any:
            try:
                async with asyncio.timeout(WHOLE * self.timeout):
                    return await in_daemon_thread(call)
            except TimeoutError:
                raise GitHubUnavailable(f"GitHub did not end its answer to {method} {path}") from None

        return await self.bear(attempt, is_gated=False)

    async def _send(
        self, token: str, method: str, path: str, parameters: Mapping[str, Any], body: Any
    ) -> Any:
        loop = asyncio.get_running_loop()

        def hear(told: Allowance) -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(self.gate.hear, told)

        def call() -> Any:
            return self._with(token, hear).send(method, path, parameters, body)

        try:
            async with asyncio.timeout(WHOLE * self.timeout):
                return await in_daemon_thread(call)
        except TimeoutError:
            # A server that drips: its connection is left to the thread that waits for it.
            self._connection.transport = None
            raise GitHubUnavailable(f"GitHub did not end its answer to {method} {path}") from None

    def _with(self, token: "Credentials", hear: Callable[[Allowance], None]) -> "Transport":
        from automation.github.transport import Transport  # noqa: PLC0415  # PyGithub is heavy

        connection = self._connection
        if connection.transport is None or connection.token != token:
            self.close()
            assert isinstance(token, str)  # noqa: S101
            connection.token = token
            connection.transport = Transport.connect(self.api_url, token, self.timeout, self.clock, hear)
        return connection.transport


async def _waited(seconds: float, unless: asyncio.Event | None) -> bool:
    if unless is None:
        await asyncio.sleep(seconds)
        return True
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        return True
    return False
