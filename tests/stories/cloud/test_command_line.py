"""The command line with a Cloud that answers oddly, and with a run that was kept in its sandbox."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.desk import Desk
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer, free_port
from tests.teller import eventually

HTML = "<!DOCTYPE html><html><body>Welcome to <b>nginx</b>!</body></html>"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        yield cloud


async def called(desk: Desk, cloud: FakeCloud, *words: str, **more: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `automation` with these words."""
    settings: dict[str, Any] = {
        "AUTOMATION_CLOUD_API_URL": cloud.url,
        "OPENHANDS_API_KEY": cloud.key,
        "XDG_STATE_HOME": str(desk.root / "state"),
    }
    return await asyncio.to_thread(lambda: desk.call(*words, **(settings | more)))


@pytest.mark.parametrize(
    ("fault", "more", "said"),
    [
        ({}, {"OPENHANDS_API_KEY": "wrong"}, "refuses the key it was given: check OPENHANDS_API_KEY"),
        (
            {},
            {"AUTOMATION_CLOUD_SANDBOX_SPEC": "nope"},
            "check AUTOMATION_CLOUD_SANDBOX_SPEC; there are: agent",
        ),
        ({"status": 200, "body": HTML}, {}, "does not answer in JSON; check AUTOMATION_CLOUD_API_URL"),
        (
            {"status": 200, "body": '{"id": "18HW'},
            {},
            "does not answer in JSON; check AUTOMATION_CLOUD_API_URL",
        ),
        ({"status": 404, "body": HTML}, {}, "answered HTTP 404; check AUTOMATION_CLOUD_API_URL"),
        (
            {"status": 429, "body": '{"detail":{"error":"CONCURRENCY_LIMIT_REACHED"}}'},
            {},
            "runs as many sandboxes at one time as it may (concurrency limit)",
        ),
        (
            {},
            {"AUTOMATION_CLOUD_API_URL": "http://127.0.0.1:PORT"},
            "no sandbox could be had in 3 tries: the Cloud",
        ),
    ],
    ids=["key", "kind", "HTML", "truncated", "not found", "limit", "unreachable"],
)
async def test_an_odd_answer_is_one_sentence(
    desk: Desk, cloud: FakeCloud, fault: dict[str, Any], more: dict[str, str], said: str
) -> None:
    desk.automation("echo up")
    if fault:
        cloud.fault("create", times=None, **fault)
    more = {name: value.replace("PORT", str(free_port())) for name, value in more.items()}
    code, out, err = await called(desk, cloud, "run", "job", **more)
    assert code == 3
    assert out == ""
    [sentence] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert said in sentence
    assert "Traceback" not in err
    assert cloud.left == []
    assert list((desk.root / "state/automation/sandboxes").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "AUTOMATION_CLOUD_AUTH",
            "basic",
            "AUTOMATION_CLOUD_AUTH is not known: expected bearer or session-key",
        ),
        ("AUTOMATION_CLOUD_DEDICATED", "perhaps", "AUTOMATION_CLOUD_DEDICATED is neither true nor false"),
        ("AUTOMATION_CLOUD_API_URL", "cloud.example", "the Cloud API URL is not an http or https address"),
        ("OPENHANDS_API_KEY", "two words", "the Cloud API key has spaces"),
    ],
)
async def test_a_wrong_setting_is_named(
    desk: Desk, cloud: FakeCloud, name: str, value: str, said: str
) -> None:
    desk.automation("echo up")
    code, _, err = await called(desk, cloud, "run", "job", **{name: value})
    assert code == 2
    assert said in err
    assert cloud.calls == []


async def test_with_an_agent_server_given_no_request_goes_to_the_cloud(
    desk: Desk, cloud: FakeCloud, server: RealServer
) -> None:
    desk.automation("echo up")
    there = {
        "AUTOMATION_AGENT_SERVER_URL": server.url,
        "AUTOMATION_AGENT_SERVER_API_KEY": server.key,
    }
    code, _, err = await called(desk, cloud, "run", "job", **there)
    assert code == 0, err
    assert cloud.calls == []


async def test_a_run_that_was_kept_is_looked_up_stopped_and_removed(desk: Desk, cloud: FakeCloud) -> None:
    desk.automation("echo up; exit 3")
    code, out, err = await called(desk, cloud, "run", "job", "--keep", "--json")
    assert code == 1, err
    run_id = json.loads(out)["run_id"]
    [sandbox_id] = cloud.left
    _, listed, _ = await called(desk, cloud, "sandboxes", "--reap")
    assert f"{sandbox_id}  running" in listed
    assert "  kept" in listed
    assert cloud.left == [sandbox_id]
    code, out, _ = await called(desk, cloud, "verify", run_id, "--sandbox", sandbox_id, "--json")
    assert (code, json.loads(out)["exit_code"]) == (1, 3)
    code, out, err = await called(desk, cloud, "stop", run_id, "--sandbox", sandbox_id)
    assert (code, out) == (0, "stopped: nothing of it runs on the server\n"), err
    code, out, _ = await called(desk, cloud, "sandboxes", "--reap", "--kept")
    assert "deleted" in out
    assert cloud.left == []
    code, out, _ = await called(desk, cloud, "verify", run_id, "--sandbox", sandbox_id)
    assert code == 3
    assert out.startswith("environment-gone  ")
    assert (await called(desk, cloud, "sandboxes"))[1] == "no sandbox\n"


async def test_another_machines_sandbox_is_left(desk: Desk, cloud: FakeCloud, server: RealServer) -> None:
    desk.automation("echo up; sleep 345")
    process = await asyncio.to_thread(
        lambda: desk.start(
            "run",
            "job",
            AUTOMATION_CLOUD_API_URL=cloud.url,
            OPENHANDS_API_KEY=cloud.key or "",
            XDG_STATE_HOME=str(desk.root / "elsewhere"),
        )
    )
    await eventually(lambda: bool(server.processes("sleep 345")), 30)
    process.kill()
    _, listed, _ = await called(desk, cloud, "sandboxes", "--reap")
    assert "another's" in listed
    assert len(cloud.left) == 1
    _, listed, _ = await called(
        desk, cloud, "sandboxes", "--reap", XDG_STATE_HOME=str(desk.root / "elsewhere")
    )
    assert "deleted" in listed
    assert cloud.left == []
    for each in server.processes("sleep 345"):
        each.kill()


async def test_one_that_cannot_be_deleted_is_told(desk: Desk, cloud: FakeCloud) -> None:
    desk.automation("echo up")
    cloud.fault("delete", status=403, times=None, body='{"detail":"no"}')
    code, _, err = await called(desk, cloud, "run", "job")
    assert code == 0
    [sandbox_id] = cloud.left
    assert f"the sandbox {sandbox_id} could not be deleted" in err
    code, listed, _ = await called(desk, cloud, "sandboxes", "--reap")
    assert code == 3
    assert "not deleted: " in listed
    cloud.clear_faults()
    assert (await called(desk, cloud, "sandboxes", "--reap"))[0] == 0
    assert cloud.left == []
