"""What a run costs the bot after 10, 100 and 1,000 runs, and what a pass of the watchdog costs after 5,000.

The runs that are measured are real ones, by comment, on a real agent-server; those before them are rows of the same
repository, person and pull request, which is what a run's cost could grow with. A pass of the watchdog is measured
with the stand-in for GitHub in the same process, so its seconds are more than the bot's own; beside it stand the same
reads by a plain client.
"""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import create_engine

from bot.runs.owner import keys_of
from bot.store.run_row import row_of
from bot.store.schema import runs
from bot.watchdog import PendingChecks
from tests.bench.scene import busy, concluded, scene
from tests.bot.runs.place import Place, opened, quick_keys
from tests.bot.store.statements import history, past
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.stories.bot.conftest import NUMBER, Demo

BEFORE = (10, 100, 1000)
ROUNDS, RUNS = 3, 6
"""Measured rounds after each of these, and runs in a round."""
CHECKS, ON_EACH = 1000, 25
HISTORY = 5000
PASSES = 3


@dataclass
class Costs:
    """Seconds of a processor for a run, round by round, by how many runs there were before."""

    of_run: dict[int, list[float]] = field(default_factory=dict)


async def measure_runs(server: RealServer) -> Costs:
    costs = Costs()
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name, FakeGitHub() as github:
        async with scene(Path(name), github, server) as demo:
            pull = demo.pull()
            count = 0
            for before in BEFORE:
                _remember(demo, count, before)
                count = before
                costs.of_run[before] = []
                for _ in range(ROUNDS):
                    began = busy(demo)
                    for _ in range(RUNS):
                        demo.comment("/run-automation hello", number=NUMBER)
                        checks = len(demo.repository.checks(pull.head))
                        check, _at = await concluded(demo, pull, "hello", checks + 1)
                        check.is_("success")
                    costs.of_run[before].append((busy(demo) - began) / RUNS)
                    count += RUNS
    return costs


def _remember(demo: Demo, count: int, before: int) -> None:
    """Runs that were before: as many as are missing."""
    usual = {"repository": demo.repository.full_name, "pull_request": NUMBER, "automation": "hello"}
    usual |= {"installation": demo.app.installations[0].id}
    rows = [row_of(past(number, time.time(), usual)) for number in range(count, before)]
    engine = create_engine(f"sqlite:///{demo.bot.home / 'bot.sqlite3'}", connect_args={"timeout": 20})
    with engine.begin() as connection:
        for row in rows:
            connection.execute(runs.insert(), row)
    engine.dispose()


async def measure_watchdog() -> tuple[list[float], list[float]]:
    """Seconds of a processor for a first pass, and for the same reads by a plain client."""
    with tempfile.TemporaryDirectory(prefix="bench-watchdog-") as name, FakeGitHub() as github, quick_keys():
        async with opened(Path(name), github) as place:
            await _crowd(place)
            passes, bare = [], []
            for _ in range(PASSES):
                place.github.requests.clear()
                began = time.process_time()
                assert await PendingChecks(place.bot).watch() == 0
                passes.append(time.process_time() - began)
                paths = [each.path for each in place.github.requests if each.method == "GET"]
                bare.append(_read(place, paths))
            return passes, bare


def _read(place: Place, paths: list[str]) -> float:
    began = time.process_time()
    token = {"authorization": f"Bearer {next(iter(place.github.world.tokens))}"}
    with httpx.Client(base_url=place.github.url, headers=token) as http:
        for path in paths:
            http.get(path, params={"per_page": 100, "filter": "all"}).raise_for_status()
    return time.process_time() - began


async def _crowd(place: Place) -> None:
    """Pending check runs of ours whose runs wait, on heads of pull requests."""
    await history(
        place.bot.store.database,
        count=HISTORY,
        now=time.time(),
        repository="octo/demo",
        installation=place.installation,
    )
    waiting = []
    for number in range(CHECKS // ON_EACH):
        sha = place.checkout.commit(f"Commit {number}")
        place.repository.pull(100 + number, head=sha, author="bob")
        for _ in range(ON_EACH):
            run = place.a_run(head_sha=sha, check_id=1)
            body = {"name": "hello", "head_sha": sha, "status": "queued"}
            body["external_id"] = str(keys_of(run, place.bot.instance))
            place.repository.create_check(body, place.app)
            waiting.append(row_of(run))
    async with place.bot.store.database.writing() as connection:
        await connection.execute(runs.insert(), waiting)
