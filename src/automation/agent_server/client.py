"""One agent-server's HTTP API, as far as a run needs it.

Every method makes one request (`find_command` pages) and raises `ServerUnavailable` for what may pass
(no connection, time-out, 5xx, 429) and `Misconfigured` for what will not (wrong key, not an agent-server).
Nothing here retries: whether a request may be sent twice is for the caller to know. Redirects are not
followed: the key would travel with them.

Endpoints measured on agent-server 1.58.0; source: its OpenAPI description (`/openapi.json`).
"""

import json
import math
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import IO, Any, Self

import httpx

from automation.agent_server.command_record import CommandRecord
from automation.connection import AgentConnection
from automation.errors import AutomationError, Misconfigured, ServerLost, ServerRefuses, ServerUnavailable
from automation.sentences import one_line

# Searches and uploads wait behind each other on a busy server: 13 s was measured, so slow is not dead.
SLOW = httpx.Timeout(60, connect=5)
QUICK = httpx.Timeout(20, connect=5)
SEARCH_PAGES = 20
LONGEST = 16 * 1024 * 1024
"""Bytes of an answer in JSON: a page of 100 commands has far fewer."""
MOVED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
"""What a sandbox answers by whose key or address we know no more."""
RENEWED_EVERY = 5.0
"""Seconds between two questions where a server is that does not answer."""


class AgentServer:
    """A client for one connection; use as an async context manager.

    Attributes:
        connection: as it is now; one that can be renewed is, when the server refuses or does not answer.
        is_known: it has done its part for a run already. From then on no answer means that something is
            configured wrongly: a proxy's refusal during a restart may pass.
    """

    def __init__(self, connection: AgentConnection) -> None:
        self.connection = connection
        self.is_known = False
        self._renewed_at = -math.inf
        self._http = httpx.AsyncClient(
            base_url=connection.url,
            headers=connection.headers | {"Accept-Encoding": "identity"},
            timeout=SLOW,
            follow_redirects=False,
            trust_env=connection.uses_proxies,
            # Reading the certificate store takes 10 to 20 ms that a plain connection has no use for.
            verify=connection.url.startswith("https:"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def info(self) -> Mapping[str, Any]:
        """Version, uptime (seconds) and more; needs no key."""
        return await self._json("GET", "/server_info", timeout=QUICK)

    async def is_ready(self) -> bool:
        async with self._send("GET", "/ready", timeout=QUICK) as response:
            return response.status_code == httpx.codes.OK

    async def execute(self, command: str, *, timeout: float) -> CommandRecord:
        """Run a short command and wait for its end, `timeout` seconds at the most."""
        answer = await self._json(
            "POST",
            "/api/bash/execute_bash_command",
            json={"command": command, "cwd": None, "timeout": round(timeout)},
            timeout=httpx.Timeout(timeout + 60, connect=5),
        )
        record = CommandRecord.from_event(answer)
        if record is None:
            raise self._not_an_agent_server("its answer to a command has no exit code")
        return record

    async def start(self, command: str, *, timeout: float) -> str:
        """Start a command and return its id at once; the server ends it after `timeout` seconds.

        Not idempotent on the server: only commands that a second start cannot harm may come here.
        """
        answer = await self._json(
            "POST",
            "/api/bash/start_bash_command",
            json={"command": command, "cwd": None, "timeout": round(timeout)},
        )
        return self._id_of(answer)

    async def command_record(self, command_id: str) -> CommandRecord | None:
        """How a command ended, None if the server has no record of an end.

        None does not mean that it runs: after a restart of the server no record ever comes.
        """
        page = await self._search(
            kind__eq="BashOutput", command_id__eq=command_id, sort_order="TIMESTAMP_DESC"
        )
        for event in page["items"]:
            if record := CommandRecord.from_event(event):
                return record
        return None

    async def find_command(self, text: str, *, unless: Collection[str] = ()) -> str | None:
        """The id of the newest command that contains `text`, of the newest `SEARCH_PAGES` x 100.

        Args:
            unless: ids that are not meant.
        """
        page_id: str | None = None
        for _ in range(SEARCH_PAGES):
            page = await self._search(
                kind__eq="BashCommand",
                sort_order="TIMESTAMP_DESC",
                **({"page_id": page_id} if page_id else {}),
            )
            for event in page["items"]:
                if text in str(event.get("command")) and (found := self._id_of(event)) not in unless:
                    return found
            page_id = page.get("next_page_id")
            if not page_id:
                return None
        return None

    async def stop_command(self, command_id: str) -> None:
        """Ask the server to end a command; servers before 1.58 cannot, which is no error."""
        async with self._send(
            "POST", f"/api/bash/bash_commands/{command_id}/stop", timeout=QUICK
        ) as response:
            await self._body(response)

    async def upload(self, path: str, content: IO[bytes]) -> None:
        """Write a file at an absolute path, streamed from `content`; repeatable."""
        content.seek(0)
        await self._json(
            "POST",
            "/api/file/upload",
            params={"path": path},
            files={"file": ("payload", content, "application/octet-stream")},
            timeout=httpx.Timeout(60, connect=5, read=300),
        )

    async def read_file(self, path: str, *, limit: int) -> bytes | None:
        """A file's content up to `limit` bytes, None where there is none."""
        data = bytearray()
        async with self._send("GET", "/api/file/download", params={"path": path}) as response:
            if response.status_code == httpx.codes.NOT_FOUND:
                await self._body(response)  # or its connection could not be used again
                return None
            await self._expect(response)
            async for chunk in self._chunks(response):
                data += chunk
                if len(data) >= limit:
                    break
        return bytes(data[:limit])

    async def read_from(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """What a growing file has from byte `offset` on; nothing if it has no more, or is not there yet.

        "416 Range Not Satisfiable" is the server's normal answer for "no news".
        """
        headers = {"Range": f"bytes={offset}-"}
        async with self._send(
            "GET", "/api/file/download", params={"path": path}, headers=headers
        ) as response:
            if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE}:
                await self._body(response)  # or its connection could not be used again
                return
            await self._expect(response)
            if offset and response.status_code != httpx.codes.PARTIAL_CONTENT:
                raise self._not_an_agent_server("it ignores the Range header")
            async for chunk in self._chunks(response):
                yield chunk

    def _id_of(self, command: Mapping[str, Any]) -> str:
        if not isinstance(command.get("id"), str):
            raise self._not_an_agent_server("a command in its answer has no id")
        return str(command["id"])

    async def _search(self, **params: str) -> Mapping[str, Any]:
        page = await self._json("GET", "/api/bash/bash_events/search", params={"limit": "100"} | params)
        items = page.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._not_an_agent_server("its search answers without items")
        return page

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._send(method, path, **options) as response:
            await self._expect(response)
            try:
                answer = json.loads(await self._body(response))
            except (ValueError, RecursionError):
                raise self._not_an_agent_server(f"{path} does not answer in JSON") from None
        if not isinstance(answer, dict):
            raise self._not_an_agent_server(f"{path} does not answer with an object")
        return answer

    @asynccontextmanager
    async def _send(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx.Response]:
        try:
            async with self._http.stream(method, path, **options) as response:
                yield response
        except httpx.HTTPError as error:
            await self._renew()
            raise ServerUnavailable(self._trouble(f"{path}: {_words(error)}")) from error
        except (httpx.InvalidURL, UnicodeError):
            raise self._not_an_agent_server("no request can be made to that address") from None

    def _chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """As they come: what has arrived before a connection breaks must not be lost in a buffer.

        Nothing is unpacked: a few bytes could become as many as they like.
        """
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._not_an_agent_server("it compresses its answers, unasked")
        return response.aiter_raw()

    async def _body(self, response: httpx.Response) -> bytes:
        data = bytearray()
        async for chunk in self._chunks(response):
            data += chunk
            if len(data) > LONGEST:
                raise self._not_an_agent_server(f"an answer is longer than {LONGEST // 1024 // 1024} MiB")
        return bytes(data)

    async def _expect(self, response: httpx.Response) -> None:
        """Raise unless the answer is a success."""
        if response.is_success:
            return
        path = response.request.url.path
        detail = _detail(await self._body(response))
        if self.connection.renewal and (response.status_code in MOVED or response.is_server_error):
            await self._renew()
            raise ServerUnavailable(self._trouble(f"{path}: HTTP {response.status_code} {detail}"))
        match response.status_code:
            case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN if not self.is_known:
                given = "the key it was given" if self.connection.session_key else "a call without a key"
                raise Misconfigured(
                    f"the agent-server at {self.connection.url} refuses {given}; "
                    "set AUTOMATION_AGENT_SERVER_API_KEY to its SESSION_API_KEY"
                )
            case code if code == httpx.codes.TOO_MANY_REQUESTS or code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise ServerUnavailable(self._trouble(f"{path}: HTTP {code} {detail}"))
            case code:
                raise self._not_an_agent_server(f"{path} answered HTTP {code} {detail}")

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
        self._http.base_url = self.connection.url
        self._http.headers.pop("X-Session-API-Key", None)
        self._http.headers.update(self.connection.headers)

    def _trouble(self, what: str) -> str:
        what = self._without_key(what)
        return f"the agent-server at {self.connection.url} does not answer as it should ({what.strip()})"

    def _not_an_agent_server(self, why: str) -> AutomationError:
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
