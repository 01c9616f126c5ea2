"""Asked to stop, the process ends in time, whatever it waits for."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUCK = """
import asyncio, time
from bot import app

async def serve():
    app._leave_in_time()
    await asyncio.to_thread(time.sleep, 60)

app.LEFT_WITHIN = 0.3
asyncio.run(serve())
"""


def test_a_process_that_is_stuck_ends_successfully() -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", STUCK], cwd=ROOT, timeout=50, check=True)
    assert time.monotonic() - began < 20
