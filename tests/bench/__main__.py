"""`python -m tests.bench`: figures beside the bare calls of the same run, on a real agent-server.

Machines are noisy, so most figures stand beside what they are measured against, taken in turn; the medians are
compared. `python -m tests.bench core` or `bot` measures a part. Exit code 1 if a goal is missed.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.bench import (
    end_to_verdict,
    first_byte,
    first_instruction,
    github_requests,
    inbox,
    kill_to_verdict,
    long_history,
    protocol,
    sandbox_start,
    start_up,
    waiting_runs,
)
from tests.bench.figure import HEAD, Amount, Figure, Missing, Ratio, Seconds
from tests.servers import RealServer, real_server

type Measure = Callable[[RealServer], Awaitable[Sequence[Figure]]]


async def measure_protocol(server: RealServer) -> Sequence[Figure]:
    ours, bare = await protocol.measure(server)
    return [Ratio("run_automation, no-op, warm server", ours, bare, most_ratio=1.25)]


async def measure_end(server: RealServer) -> Sequence[Figure]:
    known, announced = await end_to_verdict.measure(server)
    name = "announcement -> verdict (bare: end -> announcement)"
    return [Ratio(name, known, announced, most_seconds=0.05)]


async def measure_sandbox(server: RealServer) -> Sequence[Figure]:
    ours, bare = await sandbox_start.measure(server)
    return [Ratio("sandbox runs -> first instruction", ours, bare, most_ratio=1.25)]


async def measure_start_up(_: RealServer) -> Sequence[Figure]:
    parsed, started = await asyncio.to_thread(start_up.measure, start_up.PARSE)
    read, begun = await asyncio.to_thread(start_up.measure, start_up.INPUTS)
    return [
        Ratio("import and options of the CLI (bare: python)", parsed, started, most_seconds=0.25),
        Ratio("import and inputs of the Action (bare: python)", read, begun, most_seconds=0.25),
    ]


async def measure_first_byte(server: RealServer) -> Sequence[Figure]:
    heard, sent = await first_byte.measure(server)
    return [Ratio("Action's step -> first byte (bare: curl)", heard, sent, most_seconds=1)]


async def measure_inbox(_: RealServer) -> Sequence[Figure]:
    speeds = await inbox.measure()
    return [
        Ratio(f"bot: a webhook, {kind} (bare: only verified)", ours, speeds.bare, most_ratio=1 / least)
        for kind, ours, least in (
            ("ignored", speeds.ignored, inbox.LEAST["ignored"]),
            ("request", speeds.request, inbox.LEAST["request"]),
        )
    ]


async def measure_first_instruction(server: RealServer) -> Sequence[Figure]:
    waits = await first_instruction.measure(server)
    name = "bot: comment -> first instruction"
    return [
        Ratio(f"{name} (bare: a command)", waits.warm, waits.bare, most_seconds=0.25),
        Ratio(f"{name}, definitions fetched", waits.cold, waits.bare, most_seconds=0.25),
        Seconds(f"{name}, just started", waits.first),
    ]


async def measure_kill(server: RealServer) -> Sequence[Figure]:
    going_on, ended = await kill_to_verdict.measure(server)
    return [
        Seconds("bot: kill -9, restart; run's end -> verdict", going_on, most=2),
        Seconds("bot: kill -9, run's end; restart -> verdict", ended, most=2),
    ]


async def measure_requests(server: RealServer) -> Sequence[Figure]:
    quiet, loud = await github_requests.measure(server)
    return [
        Amount("bot: requests to GitHub of a run of 14 s", len(quiet), "requests", most=16),
        Amount("bot: more of them with 1 MB of output", len(loud) - len(quiet), "requests", most=0),
    ]


async def measure_waiting(server: RealServer) -> Sequence[Figure]:
    idle, waiting = await waiting_runs.measure(server)
    name = f"bot: {waiting_runs.RUNS} runs wait"
    return [
        Amount("bot: memory, idle", idle.memory, "MiB", most=130),
        Amount(f"{name}: memory over idle", waiting.memory - idle.memory, "MiB", most=150),
        Amount(f"{name}: of a core", waiting.core * 100, "%", most=10),
    ]


async def measure_history(server: RealServer) -> Sequence[Figure]:
    costs = (await long_history.measure_runs(server)).of_run
    few, *more = long_history.BEFORE
    name = "bot: processor for a run after"
    return [
        Ratio(f"{name} {count} (bare: {few})", costs[count], costs[few], most_ratio=1.3) for count in more
    ]


async def measure_watchdog(_: RealServer) -> Sequence[Figure]:
    passes, bare = await long_history.measure_watchdog()
    name = "bot: a watchdog's pass, 5000 runs (bare: its reads)"
    return [Ratio(name, passes, bare, most_seconds=5)]


CORE: dict[str, tuple[Measure, float]] = {
    "protocol": (measure_protocol, 60),
    "sandbox": (measure_sandbox, 90),
    "end to verdict": (measure_end, 90),
    "start-up": (measure_start_up, 90),
    "first byte": (measure_first_byte, 120),
}
BOT: dict[str, tuple[Measure, float]] = {
    "inbox": (measure_inbox, 40),
    "first instruction": (measure_first_instruction, 60),
    "kill": (measure_kill, 90),
    "requests": (measure_requests, 60),
    "history": (measure_history, 180),
    "watchdog": (measure_watchdog, 120),
    "waiting runs": (measure_waiting, waiting_runs.WITHIN),
}
"""What is measured, in this order, and the seconds that it may take; the last one leaves the server loaded."""
PARTS = {"core": CORE, "bot": BOT}


async def measured(name: str, measure: Measure, seconds: float, server: RealServer) -> Sequence[Figure]:
    """Its figures, or why there are none: the others are measured all the same."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            return await measure(server)
    except TimeoutError:
        return [Missing(name, f"not done in {seconds:.0f} s")]
    except AssertionError as error:
        return [Missing(name, str(error).partition("\n")[0][:120])]
    finally:
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


async def main(parts: Sequence[str]) -> int:
    figures: list[Figure] = []
    print("starting an agent-server", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        async with real_server(Path(home)) as server:
            for part in parts:
                for name, (measure, seconds) in PARTS[part].items():
                    figures += await measured(name, measure, seconds, server)
    print(HEAD)
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:] or list(PARTS))))
