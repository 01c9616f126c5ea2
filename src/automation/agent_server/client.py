"""One agent-server's HTTP API, as far as a run needs it.

Every method makes one request (`find_command` pages) and raises `ServerUnavailable` for what may pass
(no connection, time-out, 5xx, 429) and `Misconfigured` for what will not (wrong key, not an agent-server).
Nothing here retries: whether a request may be sent twice is for the caller to know. Redirects are not
followed: the key would travel with them.

Endpoints measured on agent-server 1.58.0; source: its OpenAPI description (`/openapi.json`).
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any, Self

import httpx

from automation.agent_server.command_record import CommandRecord
from automation.agent_server.transport import Transport
from automation.connection import AgentConnection

QUICK = httpx.Timeout(20, connect=5)
"""Seconds, for requests that give a server little to do."""
SEARCH_PAGES = 20
"""Pages of 100 commands each."""


class AgentServer:
    """A client for one connection; use as an async context manager."""

    def __init__(self, connection: AgentConnection) -> None:
        self._transport = Transport.connect(connection)

    @property
    def connection(self) -> AgentConnection:
        """As it is now; one that can be renewed is, when the server refuses or does not answer."""
        return self._transport.connection

    def telling(self, tell: Callable[[AgentConnection], None]) -> AbstractContextManager[None]:
        """Call this with each connection that takes the place of another, before it is used."""
        return self._transport.telling(tell)

    def trust(self) -> None:
        """It has done its part for a run already.

        From now on no answer means that something is configured wrongly: a proxy's refusal during a restart may
        pass, as `ServerRefuses`.
        """
        self._transport.is_known = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.close()

    async def info(self) -> Mapping[str, Any]:
        """Version, uptime (seconds) and more; needs no key."""
        return await self._transport.send("GET", "/server_info", timeout=QUICK)

    async def is_ready(self) -> bool:
        async with self._transport.stream("GET", "/ready", timeout=QUICK) as response:
            return response.status_code == httpx.codes.OK

    async def execute(self, command: str, *, timeout: float) -> CommandRecord:
        """Run a short command and wait for its end, `timeout` seconds at the most."""
        answer = await self._transport.send(
            "POST",
            "/api/bash/execute_bash_command",
            json={"command": command, "cwd": None, "timeout": round(timeout)},
            timeout=httpx.Timeout(timeout + 60, connect=5),
        )
        record = CommandRecord.from_event(answer)
        if record is None:
            raise self._transport.not_an_agent_server("its answer to a command has no exit code")
        return record

    async def start(self, command: str, *, timeout: float) -> str:
        """Start a command and return its id at once; the server ends it after `timeout` seconds.

        Not idempotent on the server: only commands that a second start cannot harm may come here.
        """
        answer = await self._transport.send(
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
        async with self._transport.stream(
            "POST", f"/api/bash/bash_commands/{command_id}/stop", timeout=QUICK
        ) as response:
            await self._transport.body(response)

    async def upload(self, path: str, content: IO[bytes]) -> None:
        """Write a file at an absolute path, streamed from `content`; repeatable."""
        content.seek(0)
        await self._transport.send(
            "POST",
            "/api/file/upload",
            params={"path": path},
            files={"file": ("payload", content, "application/octet-stream")},
            timeout=httpx.Timeout(60, connect=5, read=300),
        )

    async def read_file(self, path: str, *, limit: int) -> bytes | None:
        """A file's content up to `limit` bytes, None where there is none."""
        data = bytearray()
        async with self._transport.stream("GET", "/api/file/download", params={"path": path}) as response:
            if not await self._transport.is_found(response):
                return None
            async for chunk in self._transport.chunks(response):
                data += chunk
                if len(data) >= limit:
                    break
        return bytes(data[:limit])

    async def read_from(self, path: str, offset: int) -> AsyncIterator[bytes]:
        """What a growing file has from byte `offset` on; nothing if it has no more, or is not there yet.

        "416 Range Not Satisfiable" is the server's normal answer for "no news".
        """
        headers = {"Range": f"bytes={offset}-"}
        async with self._transport.stream(
            "GET", "/api/file/download", params={"path": path}, headers=headers
        ) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                await self._transport.body(response)  # or its connection could not be used again
                return
            if not await self._transport.is_found(response):
                return
            if offset and response.status_code != httpx.codes.PARTIAL_CONTENT:
                raise self._transport.not_an_agent_server("it ignores the Range header")
            async for chunk in self._transport.chunks(response):
                yield chunk

    def _id_of(self, command: Mapping[str, Any]) -> str:
        if not isinstance(command.get("id"), str):
            raise self._transport.not_an_agent_server("a command in its answer has no id")
        return str(command["id"])

    async def _search(self, **params: str) -> Mapping[str, Any]:
        page = await self._transport.send(
            "GET", "/api/bash/bash_events/search", params={"limit": "100"} | params
        )
        items = page.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._transport.not_an_agent_server("its search answers without items")
        return page
