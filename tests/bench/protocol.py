"""`run_automation` of a no-op against the same list of HTTP requests, sent by a plain httpx loop.

The requests of one real run are recorded at the transport and sent again with a fresh run id and payload name,
one after the other on one connection. Between the start and the readings the loop waits for the end as a
script would: it asks for `status.json` until it is there.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx

from automation.execution import run_automation
from tests.servers import RealServer
from tests.teller import tarball

ROUNDS = 40
WARM_UP = 5


@dataclass(frozen=True)
class Recorded:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def renamed(self, names: dict[str, str]) -> "Recorded":
        url, body = self.url, self.body
        for old, new in names.items():
            url, body = url.replace(old, new), body.replace(old.encode(), new.encode())
        return Recorded(self.method, url, self.headers, body)


@contextlib.contextmanager
def recording() -> Iterator[list[Recorded]]:
    """All requests that httpx sends meanwhile."""
    recorded: list[Recorded] = []
    original = httpx.AsyncHTTPTransport.handle_async_request

    async def handle(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        body = b"".join([part async for part in request.stream])  # type: ignore[union-attr]
        recorded.append(Recorded(request.method, str(request.url), dict(request.headers), body))
        request.stream = httpx.ByteStream(body)
        return await original(self, request)

    httpx.AsyncHTTPTransport.handle_async_request = handle  # type: ignore[method-assign]
    try:
        yield recorded
    finally:
        httpx.AsyncHTTPTransport.handle_async_request = original  # type: ignore[method-assign]


async def ours(server: RealServer, bundle: bytes, run_id: str) -> None:
    result = await run_automation(
        api_url="",
        api_key="",
        entrypoint="true",
        tarball_source=bundle,
        run_id=run_id,
        agent_server_url=server.url,
        agent_server_api_key=server.key,
    )
    assert result.success, result


async def bare(http: httpx.AsyncClient, requests: list[Recorded]) -> None:
    started = False
    for request in requests:
        while True:
            response = await http.request(
                request.method, request.url, headers=request.headers, content=request.body
            )
            if not (started and response.status_code == httpx.codes.NOT_FOUND):
                break
            await asyncio.sleep(0.002)
        started = started or request.url.endswith("/start_bash_command")


def in_waiting_order(requests: list[Recorded]) -> list[Recorded]:
    """The end first: what comes after the start can be read only then."""
    start = next(n for n, request in enumerate(requests) if request.url.endswith("/start_bash_command"))
    after = sorted(requests[start + 1 :], key=lambda request: "status.json" not in request.url)
    return requests[: start + 1] + after


async def measure(server: RealServer) -> tuple[list[float], list[float]]:
    """Seconds of ours and of the bare loop, in turn."""
    bundle = tarball({"main.sh": "true"})
    old = str(uuid4())
    with recording() as recorded:
        await ours(server, bundle, old)
    token = next(r.body.decode() for r in recorded if r.url.endswith("/start_bash_command"))
    token = token.split("payload-", 1)[1][:32]
    plan = in_waiting_order(recorded)
    times: tuple[list[float], list[float]] = ([], [])
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for number in range(WARM_UP + ROUNDS):
            names = {old: str(uuid4()), token: uuid4().hex}
            requests = [request.renamed(names) for request in plan]
            began = time.perf_counter()
            await ours(server, bundle, str(uuid4()))
            between = time.perf_counter()
            await bare(http, requests)
            ended = time.perf_counter()
            if number >= WARM_UP:
                times[0].append(between - began)
                times[1].append(ended - between)
    return times
