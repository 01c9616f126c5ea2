"""One request to one agent-server, and what its answer means: what may pass, what will not, where it is by now.

Nothing here retries: whether a request may be sent twice is for the caller to know. Redirects are not
followed: the key would travel with them. No sentence carries the key.
"""

import json
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import httpx

from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured, ServerLost, ServerRefuses, ServerUnavailable
from automation.sentences import one_line

SLOW = httpx.Timeout(60, connect=5)
"""Seconds: searches and uploads wait behind each other on a busy server; 13 s was measured, so slow is not dead."""
LONGEST = 16 * 1024 * 1024
"""Bytes of an answer in JSON: a page of 100 commands has far fewer."""
STALE = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
"""Statuses that mean that a sandbox's address or key has changed."""
RENEWED_EVERY = 5.0
"""Seconds between two questions where a server is that does not answer."""


class Transport:
    """Requests by one connection.

    Args:
        http: sends them; its address and key are set anew when the connection is.

    Attributes:
        connection: as it is now; one that can be renewed is, when the server refuses or does not answer.
        is_known: the server is trusted to be one. From then on no answer means that something is configured
            wrongly: a proxy's refusal during a restart may pass.
    """

    def __init__(self, http: httpx.AsyncClient, connection: AgentConnection) -> None:
        self.connection = connection
        self.is_known = False
        self._http = http
        self._renewed_at = -math.inf
        self._told: list[Callable[[AgentConnection], None]] = []

    @classmethod
    def connect(cls, connection: AgentConnection) -> Self:
        """By an HTTP client of its own; nothing is sent yet."""
        http = httpx.AsyncClient(
            base_url=connection.url,
            headers=connection.headers | {"Accept-Encoding": "identity"},
            timeout=SLOW,
            follow_redirects=False,
            trust_env=connection.uses_proxies,
            # Reading the certificate store takes 10 to 20 ms that a plain connection has no use for.
            verify=connection.url.startswith("https:"),
        )
        return cls(http, connection)

    async def close(self) -> None:
        await self._http.aclose()

    @contextmanager
    def telling(self, tell: Callable[[AgentConnection], None]) -> Iterator[None]:
        """Call this with each connection that takes the place of another, before it is used."""
        self._told.append(tell)
        try:
            yield
        finally:
            self._told.remove(tell)

    async def send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The JSON object that a successful answer is.

        Args:
            options: as httpx takes them.

        Raises:
            ServerUnavailable: no answer, or none now.
            Misconfigured: one that no agent-server gives.
        """
        async with self.stream(method, path, **options) as response:
            await self.expect_success(response)
            try:
                answer = json.loads(await self.body(response))
            except (ValueError, RecursionError):
                raise self.not_an_agent_server(f"{path} does not answer in JSON") from None
        if not isinstance(answer, dict):
            raise self.not_an_agent_server(f"{path} does not answer with an object")
        return answer

    @asynccontextmanager
    async def stream(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx.Response]:
        """The answer, whatever it is, while it comes in. Raises as `send`, except for what the answer says."""
        try:
            async with self._http.stream(method, path, **options) as response:
                yield response
        except httpx.HTTPError as error:
            await self._renew()
            raise ServerUnavailable(self._trouble(f"{path}: {_words(error)}")) from error
        except (httpx.InvalidURL, UnicodeError):
            raise self.not_an_agent_server("no request can be made to that address") from None

    def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Its body as it comes: what has arrived before a connection breaks must not be lost in a buffer.

        Nothing is unpacked: a few bytes could become as many as they like.
        """
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self.not_an_agent_server("it compresses its answers, unasked")
        return response.aiter_raw()

    async def body(self, response: httpx.Response) -> bytes:
        """Its whole body, at most `LONGEST` bytes. Raises as `send`."""
        data = bytearray()
        async for chunk in self.chunks(response):
            data += chunk
            if len(data) > LONGEST:
                raise self.not_an_agent_server(f"an answer is longer than {LONGEST // 1024 // 1024} MiB")
        return bytes(data)

    async def expect_success(self, response: httpx.Response) -> None:
        """Raise as `send` unless the answer is a success."""
        if not response.is_success:
            raise await self._refusal(response, _detail(await self.body(response)))

    async def is_found(self, response: httpx.Response) -> bool:
        """Whether the answer is a success; raise as `send` unless it is, or says that there is no such thing.

        Only the server's own words say so: a proxy answers 404, too, while the server is away.
        """
        if response.is_success:
            return True
        detail = _detail(await self.body(response))  # read, or its connection could not be used again
        if response.status_code == httpx.codes.NOT_FOUND and detail:
            return False
        raise await self._refusal(response, detail)

    async def _refusal(self, response: httpx.Response, detail: str) -> AutomationError:
        """What an answer that is no success says. Raises as `_renew`."""
        status, path = response.status_code, response.request.url.path
        trouble = f"{path}: HTTP {status} {detail}"
        if self.connection.renewal and (status in STALE or response.is_server_error):
            await self._renew()
            return ServerUnavailable(self._trouble(trouble))
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN} and not self.is_known:
            given = "the key it was given" if self.connection.session_key else "a call without a key"
            return Misconfigured(
                f"the agent-server at {self.connection.url} refuses {given}; "
                "set AUTOMATION_AGENT_SERVER_API_KEY to its SESSION_API_KEY"
            )
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ServerUnavailable(self._trouble(trouble))
        return self.not_an_agent_server(f"{path} answered HTTP {status} {detail}")

    async def _renew(self) -> None:
        """Ask where the server is now. What cannot be told now is asked again after the next failure.

        Raises:
            ServerLost: it will not come back.
        """
        renewal = self.connection.renewal
        if renewal is None or time.monotonic() - self._renewed_at < RENEWED_EVERY:
            return
        self._renewed_at = time.monotonic()
        try:
            self.connection = await renewal()
        except ServerLost:
            raise
        except ServerUnavailable:
            return
        for tell in self._told:
            tell(self.connection)
        self._http.base_url = self.connection.url
        self._http.headers.pop("X-Session-API-Key", None)
        self._http.headers.update(self.connection.headers)

    def _trouble(self, what: str) -> str:
        what = self._without_key(what)
        return f"the agent-server at {self.connection.url} does not answer as it should ({what.strip()})"

    def not_an_agent_server(self, why: str) -> AutomationError:
        """What to raise for an answer that no agent-server gives; the sentence says why."""
        if self.is_known or self.connection.renewal:
            return ServerRefuses(self._trouble(why))
        return Misconfigured(
            f"{self.connection.url} does not behave like an agent-server of version 1.34 or later: "
            f"{self._without_key(why).strip()}; check AUTOMATION_AGENT_SERVER_URL"
        )

    def _without_key(self, words: str) -> str:
        """A server may echo what it was sent."""
        return words.replace(self.connection.session_key, "***") if self.connection.session_key else words


def _words(error: httpx.HTTPError) -> str:
    name = type(error).__name__
    return f"{name}: {one_line(str(error), 200)}" if str(error) else name


def _detail(body: bytes) -> str:
    """The server's own words, shortened: an HTML error page helps nobody."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    detail = answer.get("exception") or answer.get("detail") if isinstance(answer, dict) else None
    return one_line(str(detail), 200) if detail else ""
