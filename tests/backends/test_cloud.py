"""A sandbox is made once, waited for, marked, and gone afterwards, whatever the Cloud answers in between."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from automation.agent_server import AgentServer
from automation.backends import cloud as module
from automation.backends import giving_back, sandbox_start
from automation.backends.cloud import CloudSandbox
from automation.backends.sandbox_connection import SandboxGone, look_again
from automation.backends.sandbox_ledger import Memory
from automation.backends.sandbox_mark import Mark, parse_mark, read_mark_command
from automation.cloud import CloudAuth, CloudRefuses, SandboxFailed, SandboxLimit, account_of
from automation.connection import AgentConnection
from automation.errors import AutomationError, Refused, ServerUnavailable
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer
from tests.teller import eventually

OWNER = "cli:0123456789abcdef:8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1:1:1796000000"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, which are long for people, not for tests."""
    monkeypatch.setattr(module, "BETWEEN_TRIES", (0.01, 0.02))
    monkeypatch.setattr(giving_back, "PAUSES", (0.01,) * 5)
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 5.0)


@pytest.fixture
def notes() -> list[str]:
    return []


def sandbox_of(cloud: FakeCloud, notes: list[str] | None = None, **given: Any) -> CloudSandbox:
    account = {name: given.pop(name) for name in ("spec", "is_dedicated", "auth") if name in given}
    note = (lambda _: None) if notes is None else notes.append
    return CloudSandbox(account_of(cloud.url, cloud.key or "", **account), OWNER, note=note, **given)


async def owner_of(connection: AgentConnection) -> str:
    assert connection.sandbox_id
    async with AgentServer(connection) as server:
        answer = await server.execute(read_mark_command(connection.sandbox_id), timeout=10)
    mark = Mark.proved(parse_mark(answer.stdout), connection.sandbox_id, connection.cloud_api_key)
    return mark.owner if mark else ""


async def refused(cloud: FakeCloud, kind: type[AutomationError], **given: Any) -> str:
    """Why none could be had; nothing is left behind."""
    with pytest.raises(kind) as refusal:
        async with sandbox_of(cloud, **given).connect():
            raise AssertionError("there is a sandbox")
    assert cloud.left == []
    assert cloud.key is None or cloud.key not in refusal.value.sentence
    return refusal.value.sentence


async def test_it_is_ours_while_it_is_used_and_gone_afterwards(cloud: FakeCloud) -> None:
    others = cloud.others()
    async with sandbox_of(cloud).connect() as connection:
        [box] = [box for box in cloud.boxes if box.by == "us"]
        assert (connection.sandbox_id, connection.session_key) == (box.id, box.gate.key)
        assert await owner_of(connection) == OWNER
        assert cloud.left == [box.id]
    assert cloud.left == []
    assert others.deleted_at is None
    assert [on for _, on, _ in cloud.calls] == ["create", "delete"]


async def test_it_is_waited_for_with_patience(cloud: FakeCloud) -> None:
    cloud.starts_in = 3.2
    async with sandbox_of(cloud).connect():
        pass
    polls = [at for at, on, _ in cloud.calls if on == "get"]
    assert len(polls) >= 3
    assert all(after - before >= 1 for before, after in pairwise(polls))
    assert polls[0] - cloud.calls[0][0] >= 1


async def test_one_that_is_paused_while_it_starts_is_resumed(cloud: FakeCloud) -> None:
    cloud.starts_in = 60
    sandbox = sandbox_of(cloud)
    task = asyncio.create_task(sandbox.obtain())
    await eventually(lambda: len(cloud.boxes) == 1)
    cloud.boxes[0].runs_at = 0
    cloud.pause(cloud.boxes[0].id)
    connection = await task
    assert connection.session_key == cloud.boxes[0].gate.key
    assert "resume" in {on for _, on, _ in cloud.calls}


async def hold(sandbox: CloudSandbox) -> None:
    async with sandbox.connect():
        await asyncio.Event().wait()


@pytest.mark.parametrize("keep", [True, False])
async def test_one_that_is_kept_stays(cloud: FakeCloud, keep: bool) -> None:
    async with sandbox_of(cloud, keep=keep).connect():
        pass
    assert bool(cloud.left) is keep


async def test_one_that_fails_is_deleted_and_another_one_made(cloud: FakeCloud, notes: list[str]) -> None:
    cloud.fails = ["ImagePullBackOff: registry.internal", "runtime_ingress:timeout:504"]
    async with sandbox_of(cloud, notes).connect() as connection:
        assert cloud.left == [connection.sandbox_id]
    assert [on for _, on, _ in cloud.calls].count("create") == 3
    assert "its image could not be fetched" in notes[0]
    assert "runtime_ingress:timeout:504" in notes[1]
    assert "registry.internal" not in " ".join(notes)


async def test_three_that_fail_are_enough(cloud: FakeCloud) -> None:
    cloud.fails = ["OOMKilled"] * 5
    sentence = await refused(cloud, SandboxFailed)
    assert sentence.startswith("no sandbox could be had in 3 tries: ")
    assert sentence.endswith("it ran out of memory")
    assert len(cloud.boxes) == 3


async def test_one_that_never_starts(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_start, "STARTED_WITHIN", 0.5)
    monkeypatch.setattr(sandbox_start, "POLLS", (0.2,))
    cloud.starts_in = 3600
    assert "did not start in" in await refused(cloud, SandboxFailed)


async def test_one_that_is_gone_before_it_runs(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_start, "LISTED_WITHIN", 0.5)
    monkeypatch.setattr(sandbox_start, "POLLS", (0.2,))
    cloud.starts_in = 3600
    cloud.fault("get", status=200, body="[null]", times=None)
    assert "was gone before it could be used" in await refused(cloud, SandboxFailed)


async def test_one_that_runs_and_does_not_answer(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 0.3)
    cloud.gate_fault = lambda _: True
    assert "does not answer as it should" in await refused(cloud, SandboxFailed)


@pytest.mark.parametrize(
    ("code", "said"),
    [("CONCURRENCY_LIMIT_REACHED", "concurrency limit"), ("DAILY_SANDBOX_LIMIT_REACHED", "daily limit")],
)
async def test_a_limit_is_not_tried_again(cloud: FakeCloud, code: str, said: str) -> None:
    cloud.fault("create", status=429, body=f'{{"detail":{{"error":"{code}","message":"m"}}}}', times=None)
    assert said in await refused(cloud, SandboxLimit)
    assert len(cloud.calls) == 1


async def test_too_many_requests_are_waited_out(cloud: FakeCloud) -> None:
    cloud.fault("create", status=429, body='{"message":"Too many requests"}', headers={"Retry-After": "1"})
    began = time.monotonic()
    async with sandbox_of(cloud).connect():
        assert time.monotonic() - began >= 1


async def test_a_wrong_key(cloud: FakeCloud) -> None:
    cloud.key = "another"
    right, cloud.key = cloud.key, "the-right-one"
    account = account_of(cloud.url, right)
    with pytest.raises(CloudRefuses, match="check OPENHANDS_API_KEY"):
        async with CloudSandbox(account, OWNER).connect():
            pass
    assert len(cloud.calls) == 1


@pytest.mark.parametrize("auth", CloudAuth)
async def test_both_ways_to_show_a_key(cloud: FakeCloud, auth: CloudAuth) -> None:
    cloud.auth = auth
    async with sandbox_of(cloud, auth=auth).connect():
        pass
    assert cloud.left == []


async def test_a_server_that_asks_for_no_key(cloud: FakeCloud) -> None:
    cloud.key = None
    async with sandbox_of(cloud).connect():
        pass
    assert cloud.left == []


async def test_an_unknown_kind_of_sandbox_is_named_with_those_there_are(cloud: FakeCloud) -> None:
    sentence = await refused(cloud, CloudRefuses, spec="nope")
    assert "knows no kind of sandbox 'nope'" in sentence
    assert "agent-server:1.58.0-python" in sentence
    assert [on for _, on, _ in cloud.calls] == ["create", "specs"]


async def test_a_deletion_is_tried_until_it_works(cloud: FakeCloud, notes: list[str]) -> None:
    cloud.fault("delete", status=503, body='{"detail":"Could not complete delete"}', times=4)
    async with sandbox_of(cloud, notes).connect():
        pass
    assert cloud.left == []
    assert notes == []


async def test_a_deletion_that_does_not_work_is_told_and_remembered(
    cloud: FakeCloud, notes: list[str]
) -> None:
    cloud.fault("delete", status=503, times=None)
    sandbox = sandbox_of(cloud, notes)
    async with sandbox.connect() as connection:
        pass
    assert list(sandbox.ledger.sandboxes) == [connection.sandbox_id]
    assert f"the sandbox {connection.sandbox_id} could not be deleted" in notes[0]
    assert (
        notes[-1]
        == f"the sandbox {connection.sandbox_id} is not deleted; it is left to the Cloud's own clock"
    )


async def test_one_that_somebody_else_has_deleted_is_no_trouble(cloud: FakeCloud, notes: list[str]) -> None:
    async with sandbox_of(cloud, notes).connect() as connection:
        cloud.forget(str(connection.sandbox_id))
    assert notes == []


@pytest.mark.parametrize("starts_in", [0.0, 5.0])
async def test_whoever_does_not_wait_for_it_leaves_none(cloud: FakeCloud, starts_in: float) -> None:
    """At whichever moment: while it is asked for, while it starts, while it is marked."""
    cloud.starts_in = starts_in
    for moment in (0.0, 0.002, 0.01, 0.03, 0.1, 0.3):
        made = len(cloud.boxes)
        task = asyncio.create_task(hold(sandbox_of(cloud)))
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert cloud.left == [], (moment, cloud.boxes[made:])


@pytest.mark.parametrize("times", [1, 3])
async def test_whoever_leaves_while_it_is_made_waits_for_its_id(cloud: FakeCloud, times: int) -> None:
    cloud.takes = 0.5
    task = asyncio.create_task(hold(sandbox_of(cloud)))
    await eventually(lambda: bool(cloud.calls))
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.05)
    await asyncio.gather(task, return_exceptions=True)
    assert len(cloud.boxes) == 1
    assert cloud.left == []


async def test_whoever_leaves_while_it_starts_leaves_none_even_if_it_was_to_stay(cloud: FakeCloud) -> None:
    cloud.starts_in = 60
    task = asyncio.create_task(hold(sandbox_of(cloud, keep=True)))
    await eventually(lambda: bool(cloud.left))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert cloud.left == []


async def test_one_that_is_deleted_slowly_is_spoken_of(
    cloud: FakeCloud, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOLD_AFTER", 0.1)
    async with sandbox_of(cloud, notes).connect():
        cloud.takes = 0.5
    assert notes == ["the sandbox is being deleted"]
    assert cloud.left == []


async def test_whoever_leaves_while_it_is_deleted_is_told_what_is_left(
    cloud: FakeCloud, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HURRIED", 0.2)
    sandbox = sandbox_of(cloud, notes, left_to="somebody deletes it")

    async def use() -> None:
        async with sandbox.connect():
            cloud.takes = 30

    task = asyncio.create_task(use())
    await eventually(lambda: "delete" in {on for _, on, _ in cloud.calls})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes[-1] == f"the sandbox {cloud.boxes[0].id} is not deleted; somebody deletes it"


async def test_a_deletion_is_not_waited_for_longer_than_it_may_take(
    cloud: FakeCloud, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WITHIN", 0.3)
    cloud.fault("delete", status=429, headers={"Retry-After": "300"}, times=None)
    began = time.monotonic()
    async with sandbox_of(cloud, notes).connect():
        pass
    assert time.monotonic() - began < 30
    assert "could not be deleted" in notes[0]


class TestOneFromBefore:
    """The ledger knows of one: whoever made it has died."""

    async def test_it_is_used_again(self, cloud: FakeCloud) -> None:
        ledger = Memory()
        before = await sandbox_of(cloud, ledger=ledger).obtain()
        async with sandbox_of(cloud, ledger=ledger).connect() as connection:
            assert connection.sandbox_id == before.sandbox_id
        assert len(cloud.boxes) == 1
        assert cloud.left == []

    async def test_of_one_that_is_gone_another_one_is_made(self, cloud: FakeCloud) -> None:
        ledger = Memory()
        before = await sandbox_of(cloud, ledger=ledger).obtain()
        cloud.forget(str(before.sandbox_id))
        async with sandbox_of(cloud, ledger=ledger).connect() as connection:
            assert connection.sandbox_id != before.sandbox_id
        assert cloud.left == []
        assert list(ledger.sandboxes) == []

    async def test_one_that_has_failed_is_deleted(self, cloud: FakeCloud) -> None:
        ledger = Memory()
        before = await sandbox_of(cloud, ledger=ledger).obtain()
        cloud.box(str(before.sandbox_id)).status = "ERROR"
        async with sandbox_of(cloud, ledger=ledger).connect() as connection:
            assert cloud.left == [connection.sandbox_id]
        assert cloud.left == []


class TestACodeOfForks:
    """It can read with the sandbox's key what the account keeps for its sandboxes."""

    async def test_it_gets_none_where_there_are_secrets(self, cloud: FakeCloud) -> None:
        cloud.secrets = ("github_token", "NPM_TOKEN")
        sentence = await refused(cloud, Refused, is_for_fork=True)
        assert "2 secrets or git tokens" in sentence

    @pytest.mark.parametrize("secrets", [(), None])
    async def test_it_gets_one_where_there_is_nothing_to_read(
        self, cloud: FakeCloud, secrets: tuple[str, ...] | None
    ) -> None:
        cloud.secrets = secrets
        async with sandbox_of(cloud, is_for_fork=True).connect():
            assert "secrets" in {on for _, on, _ in cloud.calls}
        assert cloud.left == []

    async def test_it_gets_none_where_that_is_not_known(self, cloud: FakeCloud) -> None:
        cloud.fault("secrets", status=500, times=None)
        await refused(cloud, SandboxFailed, is_for_fork=True)

    async def test_of_others_nothing_is_asked(self, cloud: FakeCloud) -> None:
        cloud.secrets = ("github_token",)
        async with sandbox_of(cloud).connect():
            pass
        assert "secrets" not in {on for _, on, _ in cloud.calls}


async def test_one_that_cannot_be_marked_is_not_used(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "mark_command", lambda *_: "true")
    assert "could not be marked" in await refused(cloud, SandboxFailed)
    assert len(cloud.boxes) == 3


async def test_one_that_somebody_else_has_marked_is_his(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His own answer was lost, in an account that is dedicated to us both."""
    owners = iter(["another", OWNER])
    monkeypatch.setattr(module, "Mark", lambda _, **given: Mark(next(owners), **given))
    monkeypatch.setattr(CloudSandbox, "_is_ours", lambda self, text, _: self.owner in text)
    async with sandbox_of(cloud).connect() as connection:
        assert connection.sandbox_id == cloud.boxes[1].id
    assert cloud.left == [cloud.boxes[0].id]


class TestALostAnswer:
    """The sandbox is there, and its id is not known."""

    FAULTS = (
        {"cut": True, "has_effect": True},
        {"status": 502, "has_effect": True},
        {"status": 200, "body": '{"id": "18HW', "has_effect": True},
    )
    faults = pytest.mark.parametrize("fault", FAULTS, ids=["cut", "bad gateway", "truncated"])

    @faults
    async def test_in_an_account_of_our_own_it_is_deleted_and_never_used(
        self, cloud: FakeCloud, fault: dict[str, Any]
    ) -> None:
        """A run can remove the mark of its own sandbox: who used what is unmarked would be in its hands."""
        cloud.fault("create", **fault)
        with suppress(CloudRefuses):
            async with sandbox_of(cloud, is_dedicated=True).connect() as connection:
                assert cloud.left == [connection.sandbox_id]
                assert connection.sandbox_id == cloud.boxes[1].id
                assert await owner_of(connection) == OWNER
        assert cloud.left == []

    async def test_where_it_cannot_be_found_now_it_is_deleted_at_the_end(
        self, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(giving_back, "PAUSES", ())
        cloud.fault("create", cut=True, has_effect=True)
        cloud.fault("search", status=500)
        async with sandbox_of(cloud, is_dedicated=True).connect():
            assert len(cloud.left) == 2
        assert cloud.left == []

    async def test_only_what_was_made_at_that_time_is_taken(self, cloud: FakeCloud) -> None:
        """Not what others have just begun when our run ends."""
        cloud.fault("create", cut=True)
        async with sandbox_of(cloud, is_dedicated=True).connect():
            later = cloud.others()
            later.created_at += 600
        assert later.deleted_at is None

    async def test_of_somebody_who_died_it_is_deleted_by_the_next(self, cloud: FakeCloud) -> None:
        ledger = Memory()
        await ledger.asks(time.time())
        left = cloud.others()
        async with sandbox_of(cloud, is_dedicated=True, ledger=ledger).connect():
            assert left.deleted_at is not None

    @pytest.mark.parametrize("is_dedicated", [True, False])
    async def test_that_somebody_did_not_wait_for_is_not_forgotten(
        self, cloud: FakeCloud, notes: list[str], is_dedicated: bool
    ) -> None:
        cloud.takes = 0.5
        cloud.fault("create", status=502, has_effect=True)
        task = asyncio.create_task(hold(sandbox_of(cloud, notes, is_dedicated=is_dedicated)))
        await eventually(lambda: bool(cloud.calls))
        task.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (cloud.left == []) is is_dedicated
        assert is_dedicated or "what it may have made is among these" in notes[0]

    @pytest.mark.parametrize("fault", FAULTS[:2])
    async def test_elsewhere_it_is_told_and_left(
        self, cloud: FakeCloud, notes: list[str], fault: dict[str, Any]
    ) -> None:
        """It could be that of somebody who has made one at the same moment."""
        cloud.fault("create", **fault)
        async with sandbox_of(cloud, notes).connect() as connection:
            assert connection.sandbox_id != cloud.boxes[0].id
        assert cloud.left == [cloud.boxes[0].id]
        assert f"what it may have made is among these: {cloud.boxes[0].id}" in notes[0]

    async def test_two_do_not_take_the_same(self, cloud: FakeCloud) -> None:
        cloud.fault("create", cut=True, has_effect=True, times=2)
        async with (
            sandbox_of(cloud, is_dedicated=True).connect() as one,
            CloudSandbox(
                account_of(cloud.url, cloud.key or "", is_dedicated=True), f"{OWNER}1"
            ).connect() as two,
        ):
            assert one.sandbox_id != two.sandbox_id
        assert cloud.left == []

    async def test_none_older_than_the_request_is_taken(self, cloud: FakeCloud) -> None:
        older = cloud.others()
        older.created_at -= 60
        cloud.fault("create", cut=True)
        async with sandbox_of(cloud, is_dedicated=True).connect() as connection:
            assert connection.sandbox_id != older.id
        assert older.deleted_at is None


class TestLookingAgain:
    async def test_a_new_key(self, cloud: FakeCloud) -> None:
        async with sandbox_of(cloud).connect() as connection:
            cloud.rotate(str(connection.sandbox_id))
            async with AgentServer(connection) as server:
                with pytest.raises(ServerUnavailable):
                    await server.execute("true", timeout=5)
                assert (await server.execute("echo on", timeout=5)).stdout == "on\n"
                assert server.connection.session_key == cloud.boxes[0].gate.key

    async def test_a_paused_one_is_asked_to_go_on(self, cloud: FakeCloud) -> None:
        async with sandbox_of(cloud).connect() as connection:
            cloud.pause(str(connection.sandbox_id))
            with pytest.raises(ServerUnavailable, match="does not run"):
                await look_again(str(connection.sandbox_id), account_of(cloud.url, cloud.key or ""))
            again = await look_again(str(connection.sandbox_id), account_of(cloud.url, cloud.key or ""))
            assert again.session_key != connection.session_key
            async with AgentServer(again) as server:
                assert (await server.execute("echo on", timeout=5)).stdout == "on\n"

    async def test_one_that_is_gone_is_not_waited_for(self, cloud: FakeCloud) -> None:
        async with sandbox_of(cloud).connect() as connection:
            cloud.forget(str(connection.sandbox_id))
            async with AgentServer(connection) as server:
                with pytest.raises(SandboxGone, match="is gone"):
                    await server.execute("true", timeout=5)

    async def test_an_api_that_is_away_is_no_proof(self, cloud: FakeCloud) -> None:
        async with sandbox_of(cloud).connect() as connection:
            cloud.fault("get", status=500)
            with pytest.raises(ServerUnavailable) as trouble:
                await look_again(str(connection.sandbox_id), account_of(cloud.url, cloud.key or ""))
            assert not isinstance(trouble.value, SandboxGone)
