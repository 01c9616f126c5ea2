"""The public functions, as code written for OpenHands' automation service calls them."""

import asyncio
import io
import socket
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from automation import execution
from automation.execution import (
    RunState,
    dispatch_automation,
    run_automation,
    verify_run_status,
)
from automation.settings import Settings
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer
from tests.teller import eventually, tarball

MAIN = """
import os
for name in sorted(os.environ):
    if name.startswith(("AUTOMATION", "AGENT", "SANDBOX", "SESSION")):
        print(f"{name}={os.environ[name]}")
print("ALL_OK")
"""


def smoke_tarball() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        member = tarfile.TarInfo("main.py")
        member.size = len(MAIN.encode())
        tar.addfile(member, io.BytesIO(MAIN.encode()))
    return data.getvalue()


@pytest.mark.parametrize("kind", ["keyed", "open"])
async def test_the_smoke_test_of_agent_server_mode(
    kind: str, server: RealServer, open_server: RealServer
) -> None:
    server = {"keyed": server, "open": open_server}[kind]
    tarball = smoke_tarball()
    result = await run_automation(
        api_url="https://unused-in-agent-server-mode.example.com",
        api_key="unused",
        entrypoint="python main.py",
        tarball_source=tarball,
        env_vars={},
        run_id="test-agent-server-001",
        agent_server_url=server.url,
        agent_server_api_key=server.key,
    )
    assert result.success, result
    assert result.sandbox_id is None
    assert "ALL_OK" in result.stdout
    assert result.exit_code == 0
    assert f"AGENT_SERVER_URL={server.url}" in result.stdout
    assert "SANDBOX_ID" not in result.stdout
    assert "AUTOMATION_RUN_ID=test-agent-server-001" in result.stdout


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes]]]:
    """An address that records whoever connects to it."""
    visits: list[bytes] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(b"somebody")
        writer.close()

    listener = await asyncio.start_server(visit, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", visits


async def test_nothing_ever_connects_to_the_cloud_in_agent_server_mode(server: RealServer) -> None:
    async with listening() as (cloud, visits):
        result = await run_automation(
            api_url=cloud,
            api_key="unused-key",
            entrypoint="true",
            tarball_source=smoke_tarball(),
            agent_server_url=server.url,
            agent_server_api_key=server.key,
        )
        assert result.success
        with socket.create_connection(("127.0.0.1", int(cloud.rsplit(":", 1)[1]))):
            await eventually(lambda: bool(visits))
    assert len(visits) == 1, "only the proof that visits are seen"


def call(server: RealServer, **more: object) -> dict[str, object]:
    return {
        "api_url": "",
        "api_key": "",
        "agent_server_url": server.url,
        "agent_server_api_key": server.key,
    } | more


async def test_a_dispatched_run_is_verified_from_anywhere(server: RealServer) -> None:
    files = tarball({"main.sh": "sleep 1; exit 4"})
    dispatched = await dispatch_automation(
        **call(server, entrypoint="bash main.sh", tarball_source=files, run_id="nightly-7")  # type: ignore[arg-type]
    )
    assert dispatched.success
    assert dispatched.command_id

    async def state(*, remove: bool = False) -> RunState:
        status = await verify_run_status(
            run_id="nightly-7",
            agent_server_url=server.url,
            agent_server_api_key=server.key,
            remove=remove,
        )
        if status.state is RunState.FAILED:
            assert status.exit_code == 4
            assert status.reason == "exit-code"
        return status.state

    assert await state() is RunState.RUNNING
    async with asyncio.timeout(20):
        while await state() is RunState.RUNNING:
            await asyncio.sleep(0.1)
    assert await state(remove=True) is RunState.FAILED
    assert await state() is RunState.UNKNOWN


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"agent_server_api_key": "wrong-key"}, "refuses the key it was given"),
        ({"agent_server_url": "http://127.0.0.1:1"}, "does not answer"),
        ({"agent_server_url": ""}, "nothing is given that the run could be on"),
        ({"agent_server_url": "ftp://example.com"}, "http or https"),
        ({"tarball_source": b"not a tarball"}, "not gzip"),
        ({"tarball_source": "http://example.com/x.tar.gz"}, "is not https"),
        ({"entrypoint": "  "}, "entrypoint is empty"),
        ({"entrypoint": "echo one\0; exit 7"}, "no command can have"),
        ({"entrypoint": "echo \ud800"}, "no command can have"),
        ({"tarball_source": "https://user:hunter2@127.0.0.1:1/x.tgz"}, "carries credentials"),
        ({"agent_server_url": "http://xn--zzzz"}, "no request can be made"),
        ({"timeout": 0}, "timeout"),
        ({"env_vars": {"1X": "y"}}, "'1X' cannot be set"),
        ({"work_dir": "/proc/nowhere"}, "cannot be made"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
@pytest.mark.timeout(60)
async def test_trouble_is_told_by_the_result(server: RealServer, wrong: dict[str, object], says: str) -> None:
    arguments = call(server, entrypoint="true", tarball_source=smoke_tarball()) | wrong
    result = await run_automation(**arguments)  # type: ignore[arg-type]
    assert not result.success
    assert says in (result.error or "")
    assert "\n" not in (result.error or "")
    assert server.key not in (result.error or "")
    assert "hunter2" not in (result.error or "")
    dispatched = await dispatch_automation(**arguments)  # type: ignore[arg-type]
    assert not dispatched.success
    assert says in (dispatched.error or "")


async def test_a_corrupt_tarball_is_a_lost_run_that_says_why(server: RealServer) -> None:
    arguments = call(server, entrypoint="true", tarball_source=b"\x1f\x8b" + b"garbage" * 20)
    result = await run_automation(**arguments)  # type: ignore[arg-type]
    assert not result.success
    assert "unpacked" in (result.error or "")
    assert "tar" in result.stderr or "gzip" in result.stderr


def test_settings_say_which_mode_is_meant() -> None:
    assert not Settings.from_environment({}).is_agent_server_mode
    given = {
        "AUTOMATION_AGENT_SERVER_URL": "http://127.0.0.1:8000",
        "AUTOMATION_AGENT_SERVER_API_KEY": "s3cret",
    }
    settings = Settings.from_environment(given)
    assert settings.is_agent_server_mode
    assert "s3cret" not in repr(settings)


class TestInTheCloud:
    """Without an agent-server the same functions make sandboxes."""

    @pytest.fixture
    def cloud(self, server: RealServer) -> Iterator[FakeCloud]:
        with FakeCloud(server) as cloud:
            yield cloud

    async def test_a_run(self, cloud: FakeCloud) -> None:
        result = await run_automation(
            api_url=cloud.url,
            api_key=cloud.key or "",
            entrypoint="python main.py",
            tarball_source=smoke_tarball(),
            run_id="in-the-cloud",
        )
        assert result.success, result
        assert result.sandbox_id == cloud.boxes[0].id
        assert f"SANDBOX_ID={result.sandbox_id}" in result.stdout
        assert "AGENT_SERVER_URL" not in result.stdout
        assert cloud.left == []

    async def test_one_that_is_dispatched_is_looked_up_in_its_sandbox(self, cloud: FakeCloud) -> None:
        there: dict[str, Any] = {"api_url": cloud.url, "api_key": cloud.key or ""}
        started = await dispatch_automation(
            **there,
            entrypoint="bash main.sh",
            tarball_source=tarball({"main.sh": "sleep 1.5; exit 3"}),
            run_id="dispatched",
        )
        assert started.success, started
        assert cloud.left == [started.sandbox_id]
        where = there | {"run_id": "dispatched", "sandbox_id": str(started.sandbox_id)}
        assert (await verify_run_status(**where)).state is RunState.RUNNING

        async def is_over() -> bool:
            return (await verify_run_status(**where)).state is not RunState.RUNNING

        await eventually(is_over)
        status = await verify_run_status(**where, remove=True)
        assert (status.state, status.exit_code) == (RunState.FAILED, 3)
        assert cloud.left == []
        gone = await verify_run_status(**where)
        assert (gone.state, gone.exit_code) == (RunState.GONE, None)

    async def test_one_that_could_not_be_started_leaves_no_sandbox(
        self, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(execution, "FIRST_CONTACT", 0.5)
        cloud.gate_fault = lambda line: "upload" in line
        started = await dispatch_automation(
            api_url=cloud.url,
            api_key=cloud.key or "",
            entrypoint="true",
            tarball_source=tarball({}),
        )
        assert not started.success
        assert cloud.left == []

    async def test_trouble_that_may_pass_is_told_apart_from_the_end(
        self, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(execution, "FIRST_CONTACT", 0.5)
        cloud.fault("get", status=500, times=None)
        status = await verify_run_status(
            run_id="any", api_url=cloud.url, api_key=cloud.key or "", sandbox_id="18HWllHllep3I8qTJu7S8s"
        )
        assert status.state is RunState.UNREACHABLE

    async def test_a_run_that_the_sandbox_does_not_know(self, cloud: FakeCloud) -> None:
        there: dict[str, Any] = {"api_url": cloud.url, "api_key": cloud.key or ""}
        box = cloud.others()
        assert (await verify_run_status(run_id="none", sandbox_id=box.id, **there)).state is RunState.UNKNOWN

    async def dispatched(self, cloud: FakeCloud, main: str, run_id: str) -> dict[str, Any]:
        """A run that was dispatched; where it is."""
        there: dict[str, Any] = {"api_url": cloud.url, "api_key": cloud.key or ""}
        started = await dispatch_automation(
            **there, entrypoint="bash main.sh", tarball_source=tarball({"main.sh": main}), run_id=run_id
        )
        where = there | {"run_id": run_id, "sandbox_id": str(started.sandbox_id)}

        async def is_over() -> bool:
            return (await verify_run_status(**where)).state is not RunState.RUNNING

        await eventually(is_over)
        return where

    async def test_a_sandbox_that_cannot_be_deleted_now_costs_no_verdict(self, cloud: FakeCloud) -> None:
        where = await self.dispatched(cloud, "exit 3", "stays")
        cloud.fault("delete", status=403, times=None)
        for _ in range(2):
            status = await verify_run_status(**where, remove=True)
            assert (status.state, status.exit_code) == (RunState.FAILED, 3)
            assert f"the sandbox {where['sandbox_id']} is not deleted: " in (status.error or "")
        cloud.clear_faults()
        assert (await verify_run_status(**where, remove=True)).exit_code == 3
        assert cloud.left == []

    @pytest.mark.parametrize("trouble", ["failed", "forgotten"])
    async def test_one_of_which_nothing_is_known_any_more_is_deleted(
        self, cloud: FakeCloud, trouble: str
    ) -> None:
        main = 'rm -rf "$(cd .. && pwd)"' if trouble == "forgotten" else "true"
        where = await self.dispatched(cloud, main, trouble)
        if trouble == "failed":
            cloud.box(where["sandbox_id"]).status = "ERROR"
        status = await verify_run_status(**where, remove=True)
        assert status.state in {RunState.GONE, RunState.UNKNOWN, RunState.FAILED}
        assert cloud.left == []

    async def test_one_that_could_not_be_deleted_is_told(self, cloud: FakeCloud) -> None:
        cloud.fault("delete", status=403, times=None)
        result = await run_automation(
            api_url=cloud.url,
            api_key=cloud.key or "",
            entrypoint="bash main.sh",
            tarball_source=tarball({"main.sh": "true"}),
        )
        assert result.success
        assert f"the sandbox {result.sandbox_id} is not deleted" in result.stderr

    async def test_nothing_given_is_one_sentence(self) -> None:
        result = await run_automation(api_url="", api_key="", entrypoint="true", tarball_source=tarball({}))
        assert not result.success
        assert result.error == (
            "nothing is given that the run could be on: pass agent_server_url, or api_key for a Cloud sandbox"
        )
