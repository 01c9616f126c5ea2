"""Stopping works: before the start, during set-up, while it runs, whatever it does about it, from anywhere."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from automation.agent_server import AgentServer, BashEvents
from automation.connection import AgentConnection
from automation.observation import Cause, Process
from automation.run import conduct, follow
from automation.run.commands import Look, run_key
from automation.run.progress import Phase
from automation.run.stop import look, stop
from tests.fakes.faulty_proxy import Answer, faulty_proxy
from tests.servers import RealServer
from tests.teller import begin, ended, eventually


async def test_a_run_is_stopped_with_all_it_started(server: RealServer) -> None:
    leave = "import subprocess; subprocess.Popen(['sleep', '305'], start_new_session=True)"
    story = begin(server, {"main.sh": f'sleep 306 & python3 -c "{leave}"; echo up; sleep 307'})
    await story.watcher.sees("up")
    story.stop.ask("alice")
    outcome = await story.ends()
    assert ended(outcome) == ("cancelled", "cancelled")
    assert "alice" in outcome.verdict.sentence
    assert not server.processes("sleep 30")


# It is the same wherever the server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
async def test_a_stop_whose_effect_is_not_announced_is_confirmed_all_the_same(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BashEvents, "_take", lambda *_: None)
    story = begin(server, {"main.sh": "echo up; sleep 319"})
    await story.watcher.sees("up")
    # By now the follower has looked once, because it had not listened from the beginning.
    await asyncio.sleep(2)
    story.stop.ask("alice")
    outcome = await story.ends()
    assert ended(outcome) == ("cancelled", "cancelled")
    assert not outcome.is_lost
    assert story.run_id not in server.directories()


# It is the same wherever the server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
async def test_a_look_from_before_the_stop_does_not_hide_its_effect(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_looked = asyncio.Event()

    async def slow_look(*given: Any) -> Look:
        seen = await look(*given)
        has_looked.set()
        await asyncio.sleep(1.5)
        return seen

    monkeypatch.setattr(BashEvents, "_take", lambda *_: None)
    monkeypatch.setattr(follow, "look", slow_look)
    monkeypatch.setattr(follow, "LOOK_EVERY", 1)
    story = begin(server, {"main.sh": "echo up; sleep 320"})
    await has_looked.wait()
    monkeypatch.setattr(follow, "LOOK_EVERY", 60)
    story.stop.ask("alice")
    outcome = await story.ends()
    assert ended(outcome) == ("cancelled", "cancelled")
    assert not outcome.is_lost


async def test_a_run_that_ignores_term_is_stopped_all_the_same(server: RealServer) -> None:
    story = begin(server, {"main.sh": "trap '' TERM INT HUP; echo up; while :; do sleep 0.1; done"})
    await story.watcher.sees("up")
    story.stop.ask("alice")
    began = asyncio.get_running_loop().time()
    assert ended(await story.ends()) == ("cancelled", "cancelled")
    assert asyncio.get_running_loop().time() - began < 7
    await eventually(lambda: not server.processes(story.run_id))


async def test_a_run_that_is_stopped_in_set_up_never_gets_to_its_entrypoint(
    server: RealServer, tmp_path: Path
) -> None:
    files = {"setup.sh": "echo preparing; sleep 308", "main.sh": f"touch {tmp_path}/ran"}
    story = begin(server, files)
    await story.watcher.sees("preparing")
    story.stop.ask("alice")
    assert ended(await story.ends()) == ("cancelled", "cancelled")
    assert not (tmp_path / "ran").exists()


async def test_a_superseded_run_says_so(server: RealServer) -> None:
    story = begin(server, {"main.sh": "echo up; sleep 309"})
    await story.watcher.sees("up")
    story.stop.ask("a newer run", Cause.SUPERSEDED)
    assert ended(await story.ends()) == ("cancelled", "superseded")


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.PREPARE, Phase.UPLOAD, Phase.START])
async def test_a_stop_before_the_start_took_effect_means_that_it_never_starts(
    server: RealServer, tmp_path: Path, phase: Phase
) -> None:
    story = begin(server, {"main.sh": f"touch {tmp_path}/ran; sleep 310"}, keep=True)
    story.watcher.on_phase = lambda now: story.stop.ask("alice") if now is phase else None
    assert ended(await story.ends()) == ("cancelled", "cancelled")
    await asyncio.sleep(0.5)
    assert not server.processes("sleep 310")
    if phase is not Phase.START:
        assert not (tmp_path / "ran").exists()
    again = begin(server, {"main.sh": f"touch {tmp_path}/again"}, run_id=story.run_id, keep=True)
    assert ended(await again.ends())[0] == "cancelled"
    assert not (tmp_path / "again").exists()


# It is the same wherever the server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
@pytest.mark.parametrize(
    ("phase", "path"), [(Phase.PREPARE, "execute_bash_command"), (Phase.UPLOAD, "upload")], ids=str
)
async def test_what_is_on_its_way_when_it_is_stopped_does_not_make_its_directory_again(
    server: RealServer, phase: Phase, path: str
) -> None:
    """The network, or a busy server, is slow with what was sent before the stop."""
    arrived = 0

    async def slow_at_first(request: Request, answer: Answer) -> Response | None:
        nonlocal arrived
        if request.url.path.endswith(path):
            arrived += 1
            if arrived == 1:
                await asyncio.sleep(1)
        return None

    async with faulty_proxy(server.url, slow_at_first) as proxy:
        connection = AgentConnection(proxy.url, server.key)
        story = begin(server, {"main.sh": "sleep 318"}, connection=connection)

        def soon(now: Phase) -> None:
            if now is phase:
                asyncio.get_running_loop().call_later(0.3, story.stop.ask, "alice")

        story.watcher.on_phase = soon
        assert ended(await story.ends()) == ("cancelled", "cancelled")
        assert arrived
        await asyncio.sleep(1.5)
    assert story.run_id not in server.directories()


async def test_a_directory_that_cannot_be_removed_changes_no_verdict(server: RealServer) -> None:
    async def refuse(request: Request, answer: Answer) -> Response | None:
        return Response("404 page not found", 404) if b"&& rm -rf" in await request.body() else None

    async with faulty_proxy(server.url, refuse) as proxy:
        story = begin(server, {"main.sh": "sleep 321"}, connection=AgentConnection(proxy.url, server.key))
        story.watcher.on_phase = lambda now: story.stop.ask("alice") if now is Phase.UPLOAD else None
        outcome = await story.ends()
    assert ended(outcome) == ("cancelled", "cancelled")
    assert any("could not be removed" in note for note in outcome.notes)


async def test_anybody_who_reaches_the_server_can_stop_a_run_by_its_id(server: RealServer) -> None:
    story = begin(server, {"main.sh": "echo up; sleep 311"}, keep=True)
    await story.watcher.sees("up")
    key = run_key(story.run_id)
    async with AgentServer(AgentConnection(server.url, server.key)) as client:
        assert (await look(client, key, None)).process is Process.ALIVE
        left = await stop(client, key, None, Cause.CANCELLED)
    assert left.process is Process.GONE
    assert left.processes == 0
    assert ended(await story.ends()) == ("cancelled", "cancelled")


async def test_a_run_that_ended_by_itself_keeps_its_verdict_when_the_stop_comes_late(
    server: RealServer,
) -> None:
    story = begin(server, {"main.sh": "exit 2"}, keep=True)
    assert ended(await story.ends()) == ("failure", "exit-code")
    async with AgentServer(AgentConnection(server.url, server.key)) as client:
        await stop(client, run_key(story.run_id), None, Cause.CANCELLED)
    again = begin(server, {"main.sh": "exit 0"}, run_id=story.run_id)
    assert ended(await again.ends()) == ("failure", "exit-code")


async def test_a_stop_that_is_not_answered_is_told_as_such_and_removes_nothing(server: RealServer) -> None:
    stopping = False

    async def hold(request: Request, answer: Answer) -> Response | None:
        if stopping and request.url.path.endswith("/execute_bash_command"):
            await asyncio.sleep(9)
        return None

    async with faulty_proxy(server.url, hold) as proxy:
        story = begin(
            server, {"main.sh": "echo up; sleep 313"}, connection=AgentConnection(proxy.url, server.key)
        )
        await story.watcher.sees("up")
        stopping = True
        story.stop.ask("alice")
        outcome = await story.ends()
        assert ended(outcome) == ("cancelled", "cancelled")
        assert "may still be running" in outcome.verdict.sentence
        assert story.run_id in server.directories()
        await asyncio.sleep(3)
    assert not server.processes("sleep 313")


async def test_a_run_that_is_stopped_while_it_is_unpacked_ends(server: RealServer) -> None:
    many = {f"d{n % 100}/f{n}": "" for n in range(60_000)} | {"main.sh": "sleep 314"}
    story = begin(server, many)

    def soon(now: Phase) -> None:
        if now is Phase.RUN:
            asyncio.get_running_loop().call_later(0.2, story.stop.ask, "alice")

    story.watcher.on_phase = soon
    outcome = await story.ends()
    assert outcome.verdict.conclusion == "cancelled"
    assert not server.processes(story.run_id)
    assert not server.processes("sleep 314")
    assert story.run_id not in server.directories()


async def test_a_run_that_removed_its_claim_is_stopped_all_the_same(server: RealServer) -> None:
    story = begin(server, {"main.sh": "rm -f ../claim; echo up; sleep 315"})
    await story.watcher.sees("up")
    story.stop.ask("alice")
    assert ended(await story.ends())[0] == "cancelled"
    assert not server.processes("sleep 315")


async def test_stopping_an_ended_run_ends_what_escaped_from_it(server: RealServer) -> None:
    leave = "import subprocess; subprocess.Popen(['sleep', '316'], start_new_session=True)"
    story = begin(server, {"main.sh": f'python3 -c "{leave}"'}, keep=True)
    assert ended(await story.ends()) == ("success", "ok")
    assert server.processes("sleep 316")
    async with AgentServer(AgentConnection(server.url, server.key)) as client:
        await stop(client, run_key(story.run_id), None, Cause.CANCELLED)
    assert not server.processes("sleep 316")


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_caller_leaves_nothing_running(server: RealServer, times: int) -> None:
    story = begin(server, {"main.sh": "echo up; sleep 312"})
    await story.watcher.sees("up")
    for _ in range(times):
        story.task.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await story.task
    assert not server.processes("sleep 312")
    assert story.run_id not in server.directories()


async def test_a_server_that_never_says_that_it_is_over_is_lost_after_the_runs_time(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the server in his hands could hold its follower for ever."""
    monkeypatch.setattr(conduct, "BACKSTOP", 0)
    monkeypatch.setattr(conduct, "MARGIN", -30)
    story = begin(server, {"main.sh": "echo up; sleep 347"}, timeout=20, patience=12)
    outcome = await story.ends(within=30)
    assert ended(outcome) == ("failure", "server-lost")
    assert "long after the run's time is over" in outcome.verdict.sentence
    assert story.watcher.text == "up\n"
    for each in server.processes("sleep 347"):
        each.kill()
