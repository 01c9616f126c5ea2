"""`python -m tests.bench`: figures as ratios to the bare calls in the same run, on a real agent-server.

Machines are noisy, so each figure stands beside what it is measured against, taken in turn; the medians are
compared. Exit code 1 if a goal is missed.
"""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import end_to_verdict, first_byte, protocol, start_up
from tests.servers import RealServer, real_server


@dataclass(frozen=True)
class Figure:
    """One line of the table: ours and the bare calls', in seconds; the goal is on their ratio or on ours."""

    name: str
    ours: list[float]
    bare: list[float]
    most_ratio: float | None = None
    most_seconds: float | None = None

    @property
    def ratio(self) -> float:
        return median(self.ours) / median(self.bare)

    @property
    def is_met(self) -> bool:
        if self.most_ratio is not None:
            return self.ratio <= self.most_ratio
        return self.most_seconds is None or median(self.ours) <= self.most_seconds

    def __str__(self) -> str:
        goal = (
            f"ratio <= {self.most_ratio}"
            if self.most_ratio
            else f"<= {(self.most_seconds or 0) * 1000:.0f} ms"
        )
        return (
            f"{self.name:48} {_ms(self.ours):>26} {_ms(self.bare):>26} {self.ratio:>7.2f}  "
            f"{goal:16} {'met' if self.is_met else 'MISSED'}"
        )


def _ms(seconds: list[float]) -> str:
    low, middle, high = (f"{value * 1000:.1f}" for value in (min(seconds), median(seconds), max(seconds)))
    return f"{middle} ({low}..{high})"


async def measure(server: RealServer) -> list[Figure]:
    ours, bare = await protocol.measure(server)
    known, announced = await end_to_verdict.measure(server)
    parsed, started = await asyncio.to_thread(start_up.measure, start_up.PARSE)
    read, begun = await asyncio.to_thread(start_up.measure, start_up.INPUTS)
    heard, sent = await first_byte.measure(server)
    return [
        Figure("run_automation, no-op, warm server", ours, bare, most_ratio=1.25),
        Figure("announcement -> verdict (bare: end -> announcement)", known, announced, most_seconds=0.05),
        Figure("import and options of the CLI (bare: python)", parsed, started, most_seconds=0.25),
        Figure("import and inputs of the Action (bare: python)", read, begun, most_seconds=0.25),
        Figure("Action's step -> first byte (bare: curl)", heard, sent, most_seconds=1),
    ]


async def main() -> int:
    print("starting an agent-server", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        async with real_server(Path(home)) as server:
            figures = await measure(server)
    print(f"{'':48} {'ours, ms':>26} {'bare, ms':>26} {'ratio':>7}  goal")
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
