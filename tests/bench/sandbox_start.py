"""From a sandbox that runs to the entrypoint's first instruction, which writes down the time.

The Cloud is the fake, whose sandboxes run at once. Bare: the same requests, recorded from one of our runs, sent to a
sandbox of their own by a plain loop.
"""

import asyncio
import tempfile
from pathlib import Path
from uuid import uuid4

import httpx

from automation.execution import run_automation
from tests.bench.protocol import Recorded, recording
from tests.fakes.cloud.cloud import Box, FakeCloud
from tests.servers import RealServer
from tests.teller import tarball

ROUNDS = 30
WARM_UP = 4
START = "/start_bash_command"


async def measure(server: RealServer) -> tuple[list[float], list[float]]:
    """Seconds of ours and of the bare loop, in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory(prefix="bench-sandbox-") as name, FakeCloud(server) as cloud:
        mark = Path(name) / "began"
        bundle = tarball({"main.sh": f"date +%s.%N > {mark}"})
        run_id = str(uuid4())
        with recording() as recorded:
            await _ours(cloud, bundle, run_id)
        plan, known = _to_the_start(recorded, cloud), cloud.boxes[0]
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            for number in range(WARM_UP + ROUNDS):
                await _ours(cloud, bundle, str(uuid4()))
                ours = float(mark.read_text()) - cloud.boxes[-1].created_at
                mark.unlink()
                bare = await _bare(cloud, http, plan, known, run_id, mark)
                if number >= WARM_UP:
                    times[0].append(ours)
                    times[1].append(bare)
    return times


async def _ours(cloud: FakeCloud, bundle: bytes, run_id: str) -> None:
    result = await run_automation(
        api_url=cloud.url,
        api_key=cloud.key or "",
        entrypoint="bash main.sh",
        tarball_source=bundle,
        run_id=run_id,
    )
    assert result.success, result


def _to_the_start(recorded: list[Recorded], cloud: FakeCloud) -> list[Recorded]:
    """What was asked of the sandbox until the run was started."""
    asked = [each for each in recorded if not each.url.startswith(cloud.url)]
    start = next(number for number, each in enumerate(asked) if each.url.endswith(START))
    return asked[: start + 1]


async def _bare(
    cloud: FakeCloud, http: httpx.AsyncClient, plan: list[Recorded], known: Box, run_id: str, mark: Path
) -> float:
    await http.post(f"{cloud.url}/api/v1/sandboxes", headers={"Authorization": f"Bearer {cloud.key}"})
    box = cloud.boxes[-1]
    token = plan[-1].body.decode().split("payload-", 1)[1][:32]
    names = {
        known.id: box.id,
        f":{known.gate.port}": f":{box.gate.port}",
        run_id: str(uuid4()),
        token: uuid4().hex,
    }
    for request in plan:
        sent = request.renamed(names)
        headers = sent.headers | {
            "host": f"127.0.0.1:{box.gate.port}",
            "content-length": str(len(sent.body)),
            "X-Session-API-Key": box.gate.key,
        }
        headers.pop("x-session-api-key", None)
        answer = await http.request(sent.method, sent.url, headers=headers, content=sent.body)
        answer.raise_for_status()
    while not mark.exists() or not mark.read_text().endswith("\n"):
        await asyncio.sleep(0.001)
    seconds = float(mark.read_text()) - box.created_at
    mark.unlink()
    await http.delete(
        f"{cloud.url}/api/v1/sandboxes/{box.id}",
        params={"sandbox_id": box.id},
        headers={"Authorization": f"Bearer {cloud.key}"},
    )
    return seconds
