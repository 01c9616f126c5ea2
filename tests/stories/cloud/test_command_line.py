"""The command line with a Cloud that answers oddly, and with a run that was kept in its sandbox."""

import asyncio
import json
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.desk import Desk
from tests.fakes.cloud.cloud import FakeCloud
from tests.server_process import free_port
from tests.servers import RealServer
from tests.teller import eventually

HTML = "<!DOCTYPE html><html><body>Welcome to <b>nginx</b>!</body></html>"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        yield cloud


def settings_of(desk: Desk, cloud: FakeCloud, state: str = "state") -> dict[str, Any]:
    """How the command line is told of the account, and where it remembers its sandboxes."""
    return {
        "AUTOMATION_CLOUD_API_URL": cloud.url,
        "OPENHANDS_API_KEY": cloud.key,
        "XDG_STATE_HOME": str(desk.root / state),
    }


async def called(desk: Desk, cloud: FakeCloud, *words: str, **more: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `automation` with these words."""
    settings = settings_of(desk, cloud) | more
    return await asyncio.to_thread(lambda: desk.call(*words, **settings))


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
    is_lost = str(fault.get("body")).startswith('{"id')
    assert bool(list((desk.root / "state/automation/sandboxes").iterdir())) is is_lost


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
    run_id, sandbox_id = json.loads(out)["run_id"], json.loads(out)["sandbox_id"]
    assert f"sandbox {sandbox_id}" in err
    assert cloud.left == [sandbox_id]
    _, listed, _ = await called(desk, cloud, "sandboxes", "--reap")
    assert f"{sandbox_id}  running" in listed
    assert "  kept" in listed
    assert cloud.left == [sandbox_id]
    code, out, _ = await called(desk, cloud, "verify", run_id, "--json")
    assert (code, json.loads(out)["exit_code"]) == (1, 3)
    code, out, err = await called(desk, cloud, "stop", run_id)
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
    settings = settings_of(desk, cloud, "elsewhere")
    process = await asyncio.to_thread(lambda: desk.start("run", "job", **settings))
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


async def test_a_mark_that_was_copied_into_anothers_sandbox_proves_nothing(
    desk: Desk, cloud: FakeCloud, server: RealServer
) -> None:
    others = cloud.others()
    marks = server.home / "workspaces/automation-sandboxes"
    desk.automation("echo up")
    cloud.fault("delete", status=403, times=None)
    code, _, err = await called(desk, cloud, "run", "job")
    assert code == 0, err
    cloud.clear_faults()
    [ours] = cloud.left
    (marks / f"{others.id}.owner").write_bytes((marks / f"{ours}.owner").read_bytes())
    shutil.rmtree(desk.root / "state/automation/sandboxes")
    _, listed, _ = await called(desk, cloud, "sandboxes", "--reap", "--json")
    rows = {row["sandbox_id"]: row for row in json.loads(listed)}
    assert (rows[others.id]["standing"], rows[others.id]["deleted"]) == ("another's", False)
    assert (rows[ours]["standing"], rows[ours]["deleted"]) == ("abandoned", True)
    assert others.deleted_at is None


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


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        (
            ("run", "job", "--backend", "cloud", "--agent-server-url", "http://127.0.0.1:9"),
            {},
            "are both given: where an agent-server is given, no sandbox is made",
        ),
        (
            ("run", "job", "--backend", "cloud"),
            {"OPENHANDS_API_KEY": "", "AUTOMATION_CLOUD_API_URL": ""},
            "--backend cloud needs OPENHANDS_API_KEY",
        ),
        (
            ("sandboxes",),
            {"OPENHANDS_API_KEY": "", "AUTOMATION_CLOUD_API_URL": ""},
            "which account? Set OPENHANDS_API_KEY",
        ),
        (
            ("verify", "some-run"),
            {"OPENHANDS_API_KEY": "", "AUTOMATION_CLOUD_API_URL": ""},
            "for a run in a sandbox give --sandbox",
        ),
        (("sandboxes", "--kept"), {}, "--kept only works together with --reap"),
    ],
    ids=["both", "neither", "no account", "no server", "kept alone"],
)
async def test_what_does_not_go_together_is_said(
    desk: Desk, cloud: FakeCloud, words: tuple[str, ...], more: dict[str, str], said: str
) -> None:
    desk.automation("echo up")
    code, _, err = await called(desk, cloud, *words, **more)
    assert code == 2
    assert said in " ".join(err.split())
    assert cloud.calls == []


async def test_a_run_of_one_id_goes_on_in_its_sandbox_after_a_crash(
    desk: Desk, cloud: FakeCloud, server: RealServer
) -> None:
    settings = settings_of(desk, cloud)
    starts = desk.root / "starts"
    desk.automation(f"echo up >> {starts}; sleep 4; exit 3")
    process = await asyncio.to_thread(lambda: desk.start("run", "job", "--run-id", "nightly", **settings))
    await eventually(starts.exists, 30)
    code, _, err = await called(desk, cloud, "run", "job", "--run-id", "nightly")
    assert code == 2
    assert "a run of this id is under way on this machine" in err
    process.kill()
    process.wait()
    code, out, err = await called(desk, cloud, "run", "job", "--run-id", "nightly", "--json")
    assert (code, json.loads(out)["exit_code"]) == (1, 3), err
    assert "was made for this run before" in err
    assert starts.read_text() == "up\n"
    assert len(cloud.boxes) == 1
    assert cloud.left == []


async def test_stopped_while_its_sandbox_starts(desk: Desk, cloud: FakeCloud) -> None:
    cloud.starts_in = 60
    desk.automation("echo up")
    settings = settings_of(desk, cloud)
    process = await asyncio.to_thread(lambda: desk.start("run", "job", **settings))
    await eventually(lambda: bool(cloud.left), 30)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 130
    assert "cancelled before it was started" in err
    assert cloud.left == []


async def test_a_sandbox_whose_answer_nobody_saw_is_shown_with_the_run(desk: Desk, cloud: FakeCloud) -> None:
    desk.automation("echo up")
    cloud.fault("create", cut=True, has_effect=True)
    code, _, err = await called(desk, cloud, "run", "job")
    assert code == 0, err
    [left] = cloud.left
    assert f"what it may have made is among these: {left}" in err
    for words in (("sandboxes",), ("sandboxes", "--reap")):
        _, listed, _ = await called(desk, cloud, *words)
        assert f"{left}  running" in listed
        assert "unknown" in listed
    assert cloud.left == [left], "nobody knows whose it is"


async def test_two_who_reap_at_once_are_no_trouble(desk: Desk, cloud: FakeCloud) -> None:
    desk.automation("echo up")
    cloud.fault("delete", status=403, times=None)
    assert (await called(desk, cloud, "run", "job"))[0] == 0
    cloud.clear_faults()
    both = await asyncio.gather(*(called(desk, cloud, "sandboxes", "--reap") for _ in range(2)))
    assert [code for code, _, _ in both] == [0, 0]
    assert cloud.left == []
