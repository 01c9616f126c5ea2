"""Faults at random in all that is asked of the Cloud and of a sandbox: each run has a verdict of the table, and leaves nothing.

Ten in each `make test`; `make chaos` makes a hundred.
"""

import asyncio
import random
import time
from collections.abc import Iterator

import pytest

from automation.backends import cloud as module
from automation.backends import giving_back
from automation.backends.cloud import CloudSandbox
from automation.cloud import account_of
from automation.errors import AutomationError
from automation.reasons import Reason
from automation.run.conduct import Conductor
from automation.run.start import Order
from automation.verdict import Verdict, not_started
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer
from tests.teller import tarball

FAULTY = ("create", "get", "delete", "search", "resume")
KINDS = (
    {"status": 500},
    {"status": 503, "has_effect": True},
    {"cut": True},
    {"cut": True, "has_effect": True},
    {"status": 429, "headers": {"Retry-After": "0"}},
)
GATED = ("execute_bash_command", "upload", "start_bash_command", "download", "server_info", "sockets")


@pytest.fixture
def cloud(server: RealServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    monkeypatch.setattr(module, "BETWEEN_TRIES", (0.05, 0.1))
    monkeypatch.setattr(giving_back, "PAUSES", (0.05,) * 10)
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 10.0)
    with FakeCloud(server) as cloud:
        yield cloud


async def run_with_faults(cloud: FakeCloud, chance: random.Random, number: int) -> Verdict:
    """One run with up to four faults of the API and as many of its sandbox."""
    code = chance.choice([0, 0, 3])
    for _ in range(chance.randrange(4)):
        cloud.fault(chance.choice(FAULTY), **chance.choice(KINDS))
    if chance.random() < 0.3:
        cloud.fails = ["OOMKilled"] * chance.randrange(1, 3)
    cloud.starts_in = chance.choice([0, 0, 0.3])
    cuts = [chance.choice(GATED) for _ in range(chance.randrange(4))]

    def is_cut(line: str) -> bool:
        for each in cuts:
            if each in line:
                cuts.remove(each)
                return True
        return False

    cloud.gate_fault = is_cut
    main = f"echo up; sleep {chance.uniform(0, 1):.2f}; exit {code}"
    order = Order(f"faulty-{number}-{time.time()}", "bash main.sh", tarball({"main.sh": main}))
    account = account_of(cloud.url, cloud.key or "", is_dedicated=True)
    try:
        async with CloudSandbox(account, f"cli:{number}:{time.time()}").connect() as connection:
            if chance.random() < 0.2:
                cloud.rotate(str(connection.sandbox_id))
            outcome = await Conductor(connection, order, patience=20).conduct()
    except AutomationError as error:
        return not_started(error)
    assert outcome.verdict.exit_code == code
    return outcome.verdict


async def tell(cloud: FakeCloud, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(rounds):
        others = cloud.others()
        others.created_at -= 60
        verdict = await run_with_faults(cloud, chance, number)
        ended = time.time()
        await asyncio.sleep(0.3)
        assert verdict.reason in {Reason.OK, Reason.EXIT_CODE, Reason.SANDBOX_FAILED}, (number, verdict)
        cloud.clear_faults()
        assert others.deleted_at is None, (number, "it was not ours")
        assert cloud.left == [], (number, verdict)
        calls = [at for at, _, _ in cloud.calls] + [at for box in cloud.boxes for at, _ in box.gate.calls]
        assert max(calls) <= ended, (number, "it went on after its end")


@pytest.mark.timeout(300)
async def test_ten_runs(cloud: FakeCloud) -> None:
    await tell(cloud, 10, seed=20261130)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
async def test_a_hundred_runs(cloud: FakeCloud) -> None:
    await tell(cloud, 100, seed=random.randrange(10**9))
