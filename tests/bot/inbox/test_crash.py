"""What was acknowledged is there after a SIGKILL, and a large body is refused over a real socket."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.bot.inbox.receiver import COMMENT, guid, receiving, signed
from tests.server_process import free_port

BODY = json.dumps(COMMENT).encode()
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def process(path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A receiver that can be killed, and its port."""
    port = free_port()
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bot.inbox.receiver", str(path), str(port), cwd=ROOT
    )
    try:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.02)
        yield started, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    """Senders go on until nobody answers; the kill comes in the middle of it."""
    acknowledged: list[str] = []

    async def send(http: httpx.AsyncClient) -> None:
        with contextlib.suppress(httpx.TransportError):
            while True:
                name = guid()
                answer = await http.post(
                    "/webhook", content=BODY, headers=signed(BODY, x_github_delivery=name)
                )
                assert answer.status_code == 202
                acknowledged.append(name)

    async with process(path) as (receiver, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            sending = [asyncio.create_task(send(http)) for _count in range(8)]
            while len(acknowledged) < 50:
                await asyncio.sleep(0.001)
            receiver.send_signal(signal.SIGKILL)
            await asyncio.gather(*sending)
        assert await receiver.wait() == -signal.SIGKILL
    async with receiving(path) as again:
        kept = {each.delivery for each in await again.requests()}
        assert kept >= set(acknowledged)
        assert len(kept) <= len(acknowledged) + 8
        assert (await again.post(x_github_delivery=acknowledged[-1])).text == "known already"


async def test_a_body_that_is_too_large_is_refused_over_a_socket(path: Path) -> None:
    """Chunked, without a length; the answer comes before the body ends."""
    async with process(path) as (_receiver, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        headers = f"x-hub-signature-256: sha256={'0' * 64}\r\ntransfer-encoding: chunked"
        writer.write(f"POST /webhook HTTP/1.1\r\nhost: bot\r\n{headers}\r\n\r\n".encode())
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        for _count in range(26):
            writer.write(chunk)
            await writer.drain()
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        answer = await asyncio.to_thread(
            httpx.post,
            f"http://127.0.0.1:{port}/webhook",
            content=BODY,
            headers=signed(BODY),
            trust_env=False,
        )
        assert answer.status_code == 202
