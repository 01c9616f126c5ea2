"""Chaos: the agent-server is killed at random moments of runs, again and again; each verdict is the true one.

`make chaos` runs it; a few rounds of the same are in `test_survival.py` for every `make test`.
"""

import asyncio
import random
from pathlib import Path

import pytest

from automation.run.progress import Phase
from tests.servers import RealServer
from tests.teller import begin, eventually

ROUNDS = 20
LINES = 80


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_runs_survive_a_server_that_is_killed_at_random(mortal: RealServer, tmp_path: Path) -> None:
    generator = random.Random(20261123)
    whole = "".join(f"line {n}\n" for n in range(1, LINES + 1))
    for number in range(ROUNDS):
        starts = tmp_path / f"starts-{number}"
        code = generator.randrange(5)
        main = f"echo x >> {starts}; for n in $(seq {LINES}); do echo line $n; sleep 0.05; done; exit {code}"
        story = begin(mortal, {"main.sh": main}, patience=120)
        # Before the first contact a server that is away for long is a mistyped address.
        await eventually(lambda story=story: Phase.PREPARE in story.watcher.phases)
        await asyncio.sleep(generator.uniform(0, 4))
        mortal.kill()
        await asyncio.sleep(generator.uniform(0, 3))
        await mortal.start()
        outcome = await story.ends(within=120)
        assert outcome.verdict.exit_code == code, (number, outcome.verdict)
        assert starts.read_text() == "x\n", number
        assert story.watcher.text == whole, number


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_stops_at_random_moments_leave_nothing(server: RealServer) -> None:
    generator = random.Random(7)
    for number in range(10 * ROUNDS):
        story = begin(server, {"main.sh": "sleep 330 & sleep 331"})
        await asyncio.sleep(generator.uniform(0, 0.3))
        story.stop.ask("chaos")
        outcome = await story.ends()
        assert outcome.verdict.conclusion == "cancelled", (number, outcome.verdict)
        assert story.run_id not in server.directories(), (number, outcome.verdict, story.watcher.phases)
    await asyncio.sleep(1)
    assert not server.processes("sleep 33")
