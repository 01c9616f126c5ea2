"""On OpenHands' own app server: a run has a sandbox of its own, which is gone afterwards, whichever way it ends."""

import asyncio
import json
import signal
from typing import Any

import pytest

from tests.desk import Desk
from tests.stories.cloud.conftest import Account
from tests.teller import eventually

# The first one starts the app server, which takes a busy machine more than a minute.
pytestmark = pytest.mark.timeout(400)

STARTED_WITHIN = 200
"""Seconds for a sandbox of processes, on a machine that does other work."""


async def called(account: Account, desk: Desk, *words: str, **more: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of `automation` with these words."""
    settings = account.settings(desk) | more
    return await asyncio.to_thread(lambda: desk.call(*words, **settings))


@pytest.mark.parametrize(
    ("main", "timeout", "code", "conclusion", "reason"),
    [
        ('echo "in $SANDBOX_ID${AGENT_SERVER_URL:-}"', 60, 0, "success", "ok"),
        ("echo 'error: no luck'; exit 3", 60, 1, "failure", "exit-code"),
        ("echo up; sleep 341", 2, 1, "timed_out", "timed-out"),
    ],
    ids=["success", "exit 3", "time-out"],
)
async def test_a_run_to_its_end(
    account: Account, desk: Desk, main: str, timeout: int, code: int, conclusion: str, reason: str
) -> None:
    desk.automation(main, timeout=timeout)
    returned, out, err = await called(account, desk, "run", "job", "--json")
    assert returned == code, err
    document = json.loads(out)
    assert (document["conclusion"], document["reason"]) == (conclusion, reason)
    assert f"in a sandbox of the Cloud at {account.app.url}, because OPENHANDS_API_KEY is given" in err
    if reason == "ok":
        assert len(document["output"].split()) == 2
    assert await account.app.sandboxes() == [account.others]
    assert not account.app.processes("sleep 341")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_run_that_is_stopped(account: Account, desk: Desk, number: signal.Signals) -> None:
    desk.automation("echo up; sleep 342")
    process = desk.start("run", "job", **account.settings(desk))
    await eventually(lambda: bool(account.app.processes("sleep 342")), STARTED_WITHIN)
    process.send_signal(number)
    _, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 130, err
    assert await account.app.sandboxes() == [account.others]
    assert not account.app.processes("sleep 342")


async def test_what_a_crash_has_left_is_reaped(account: Account, desk: Desk) -> None:
    desk.automation("echo up; sleep 343")
    process = desk.start("run", "job", **account.settings(desk))
    await eventually(lambda: bool(account.app.processes("sleep 343")), STARTED_WITHIN)
    _, listed, _ = await called(account, desk, "sandboxes", "--reap")
    assert "in use" in listed
    process.kill()
    process.wait()
    [ours] = set(await account.app.sandboxes()) - {account.others}
    _, listed, _ = await called(account, desk, "sandboxes")
    assert f"{ours}  running" in listed
    assert "abandoned" in listed
    assert ours in await account.app.sandboxes(), "it was only listed"
    code, out, err = await called(account, desk, "sandboxes", "--reap", "--json")
    assert code == 0, err
    rows = {row["sandbox_id"]: row for row in json.loads(out)}
    assert rows[ours]["deleted"]
    assert rows[account.others]["standing"] == "unknown"
    assert not rows[account.others]["deleted"]
    assert await account.app.sandboxes() == [account.others]


async def test_a_wrong_key_is_one_sentence(account: Account, desk: Desk) -> None:
    desk.automation("echo up")
    code, _, err = await called(account, desk, "run", "job", OPENHANDS_API_KEY="the-wrong-key")
    assert code == 3
    assert err.splitlines()[-1].startswith(
        f"error: the Cloud API at {account.app.url} refuses the key it was given"
    )
    assert await account.app.sandboxes() == [account.others]


async def test_an_unknown_kind_of_sandbox_is_one_sentence(account: Account, desk: Desk) -> None:
    desk.automation("echo up")
    code, _, err = await called(account, desk, "run", "job", AUTOMATION_CLOUD_SANDBOX_SPEC="nope")
    assert code == 3
    assert "knows no kind of sandbox 'nope': check AUTOMATION_CLOUD_SANDBOX_SPEC; there are: " in err
    assert await account.app.sandboxes() == [account.others]
