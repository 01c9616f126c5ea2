"""Looking at the sandboxes of an account: one that answers with nonsense hides no other."""

from collections.abc import Iterator

import pytest

from automation.agent_server import AgentServer, CommandRecord
from automation.backends.cloud import CloudSandbox
from automation.backends.marked_sandboxes import marked_sandboxes
from automation.backends.sandbox_mark import Mark
from automation.cloud import Cloud, account_of
from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer

OWNER = "cli:0123456789abcdef:8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1:1:1796000000"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        yield cloud


async def test_each_is_what_its_mark_proves(cloud: FakeCloud) -> None:
    account = account_of(cloud.url, cloud.key or "")
    others = cloud.others()
    paused = cloud.others()
    cloud.pause(paused.id)
    async with CloudSandbox(account, OWNER).connect() as ours, Cloud(account) as api:
        found = {each.sandbox.id: each for each in await marked_sandboxes(api)}
        assert found[str(ours.sandbox_id)].mark == Mark(OWNER)
        assert (found[others.id].text, found[others.id].mark) == ("", None)
        assert (found[paused.id].text, found[paused.id].mark) == (None, None)
    assert "resume" not in {on for _, on, _ in cloud.calls}


@pytest.mark.parametrize("answer", [CommandRecord("c", 0, 7), RecursionError(), ValueError("x")])  # type: ignore[arg-type]
async def test_nonsense_in_one_hides_no_other(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, answer: CommandRecord | Exception
) -> None:
    account = account_of(cloud.url, cloud.key or "")
    hostile = cloud.others()
    execute = AgentServer.execute

    async def odd(server: AgentServer, command: str, *, timeout: float) -> CommandRecord:
        if hostile.id not in command:
            return await execute(server, command, timeout=timeout)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with CloudSandbox(account, OWNER).connect() as ours, Cloud(account) as api:
        monkeypatch.setattr(AgentServer, "execute", odd)
        found = {each.sandbox.id: each for each in await marked_sandboxes(api)}
        monkeypatch.undo()
    assert found[str(ours.sandbox_id)].mark == Mark(OWNER)
    assert found[hostile.id].text is None
