"""From the signed `/run-automation` comment to the entrypoint's first instruction, which writes down the time.

Everything is real but GitHub, which answers at once. Warm: the base branch is where an earlier run found it. Cold:
it has moved, so that the definitions are fetched. Bare: a command that is started on the agent-server.
"""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from automation.agent_server import AgentServer
from automation.connection import AgentConnection
from tests.bench.scene import concluded, scene, soon
from tests.fakes.github.pulls import Pull
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import Demo

ROUNDS = 6
MAIN = "date +%s.%N > ../../began-$AUTOMATION_RUN_ID"
WITHIN = 30.0


@dataclass
class Waits:
    """Seconds, run by run.

    Attributes:
        first: of the first run after the bot's start, which has neither token nor definitions.
    """

    first: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


async def measure(server: RealServer) -> Waits:
    """In turn, each after the one before is wholly over."""
    waits = Waits()
    with tempfile.TemporaryDirectory(prefix="bench-first-") as name, FakeGitHub() as github:
        async with scene(Path(name), github, server) as demo:
            demo.automation(MAIN, "review")
            pull = demo.pull()
            waits.first.append(await _seconds(demo, pull))
            for number in range(ROUNDS):
                waits.warm.append(await _seconds(demo, pull))
                # No push is told: it would have the bot fetch them before anybody comments.
                moved = demo.automation(f"{MAIN} # {number}", "review")
                waits.cold.append(await _seconds(demo, pull))
                assert any(each.path.endswith(f"/tarball/{moved}") for each in github.requests)
                waits.bare.append(await _bare(server))
    return waits


async def _seconds(demo: Demo, pull: Pull) -> float:
    before = len(demo.repository.checks(pull.head))
    began = time.time()
    comment = demo.comment("/run-automation review")
    check, _ = await concluded(demo, pull, "review", before + 1)
    check.is_("success")
    [mark] = demo.server.runs.glob("began-*")
    seconds = float(mark.read_text()) - began
    mark.unlink()
    await soon(lambda: "rocket" in comment.reacted, WITHIN)
    return seconds


async def _bare(server: RealServer) -> float:
    mark = server.runs / "began-bare"
    async with AgentServer(AgentConnection(server.url, server.key)) as there:
        began = time.time()
        await there.start(f"date +%s.%N > {mark}", timeout=WITHIN)
        await soon(lambda: mark.exists() and mark.read_text().endswith("\n"), WITHIN)
    seconds = float(mark.read_text()) - began
    mark.unlink()
    return seconds
