"""What a run survives: broken connections, slow answers, a killed and restarted agent-server, two of us."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from automation.connection import AgentConnection
from automation.execution import verify_run_status
from automation.outcome import Outcome
from automation.run import conduct
from automation.run.attention import Attention
from automation.run.conduct import Conductor
from automation.run.start import Order
from tests.fakes.faulty_proxy import Answer, Cut, as_response, faulty_proxy
from tests.servers import RealServer
from tests.teller import Watcher, begin, ended, eventually, run, tarball

COUNT = "for n in $(seq 1 %d); do echo line $n; sleep %s; done; exit %d"


def lines(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(1, count + 1))


@pytest.mark.timeout(240)
async def test_a_server_that_is_killed_and_restarted_changes_nothing(mortal: RealServer) -> None:
    story = begin(mortal, {"main.sh": COUNT % (60, 0.2, 7)}, patience=120)
    await story.watcher.sees("line 5\n")
    mortal.kill()
    await asyncio.sleep(2)
    await mortal.start()
    ready = asyncio.get_running_loop().time()
    outcome = await story.ends(within=120)
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 7
    assert story.watcher.text == lines(60)
    # Its end is never announced: whoever waited for that would see it when it looks by itself, after 60 s.
    assert asyncio.get_running_loop().time() - ready < 50


@pytest.mark.timeout(240)
async def test_a_run_that_ends_while_the_server_is_down_has_its_true_verdict(mortal: RealServer) -> None:
    story = begin(mortal, {"main.sh": COUNT % (10, 0.1, 0)}, patience=120)
    await story.watcher.sees("line 3\n")
    mortal.kill()
    await eventually((mortal.runs / story.run_id / "status.json").exists)
    await mortal.start()
    outcome = await story.ends(within=60)
    assert ended(outcome) == ("success", "ok")
    assert story.watcher.text == lines(10)


@pytest.mark.timeout(240)
async def test_a_server_that_dies_with_everything_it_started_loses_the_run_at_once(
    mortal: RealServer,
) -> None:
    story = begin(mortal, {"main.sh": "echo up; sleep 304"}, patience=120)
    await story.watcher.sees("up")
    mortal.kill_everything()
    await mortal.start()
    ready = asyncio.get_running_loop().time()
    outcome = await story.ends(within=60)
    assert ended(outcome) == ("failure", "run-lost")
    assert asyncio.get_running_loop().time() - ready < 20


@pytest.mark.timeout(240)
async def test_a_server_that_is_gone_for_good_is_lost_after_the_documented_tries(mortal: RealServer) -> None:
    story = begin(mortal, {"main.sh": "echo up; sleep 8"}, patience=4)
    await story.watcher.sees("up")
    mortal.kill()
    outcome = await story.ends(within=30)
    assert ended(outcome) == ("failure", "server-lost")
    assert "tries in" in outcome.verdict.sentence
    assert "run again" in outcome.verdict.sentence
    await mortal.start()


def proxied(server: RealServer, url: str) -> AgentConnection:
    return AgentConnection(url, server.key)


async def test_a_server_that_answers_searches_and_uploads_in_13_s_is_slow_not_dead(
    server: RealServer,
) -> None:
    async def slow(request: Request, answer: Answer) -> Response | None:
        if request.url.path.endswith(("/search", "/upload")):
            await asyncio.sleep(13)
        return None

    async with faulty_proxy(server.url, slow) as proxy:
        outcome = await run(server, COUNT % (3, 0.1, 5), connection=proxied(server, proxy.url), patience=5)
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.output.text() == lines(3)


async def test_without_a_socket_the_run_is_polled_to_the_same_verdict(server: RealServer) -> None:
    async def nothing(request: Request, answer: Answer) -> Response | None:
        return None

    async with faulty_proxy(server.url, nothing) as proxy:
        outcome = await run(server, COUNT % (20, 0.05, 0), connection=proxied(server, proxy.url))
    assert ended(outcome) == ("success", "ok")
    assert outcome.output.text() == lines(20)


async def test_answers_cut_short_lose_and_repeat_no_byte(server: RealServer) -> None:
    cuts = 0

    async def cut(request: Request, answer: Answer) -> Response | None:
        nonlocal cuts
        if request.query_params.get("path", "").endswith("output.log") and cuts < 12:
            real = await answer()
            if len(real.content) > 1:
                cuts += 1
                half = as_response(real)
                half.body = real.content[: len(real.content) // 2]
                return half
        return None

    async with faulty_proxy(server.url, cut) as proxy:
        outcome = await run(server, COUNT % (300, 0.005, 0), connection=proxied(server, proxy.url))
    assert cuts == 12
    assert ended(outcome) == ("success", "ok")
    assert outcome.output.text() == lines(300)


@pytest.mark.parametrize("path", ["/start_bash_command", "/upload", "/execute_bash_command"])
async def test_an_answer_that_is_lost_after_its_effect_starts_nothing_twice(
    server: RealServer, path: str, tmp_path: Path
) -> None:
    lost = 0

    async def lose(request: Request, answer: Answer) -> Response | None:
        nonlocal lost
        if request.url.path.endswith(path) and lost < 2:
            lost += 1
            await answer()
            raise Cut
        return None

    starts = tmp_path / "starts"
    async with faulty_proxy(server.url, lose) as proxy:
        outcome = await run(
            server, f"echo started >> {starts}; exit 6", connection=proxied(server, proxy.url)
        )
    assert lost >= 1
    assert outcome.verdict.exit_code == 6
    assert starts.read_text() == "started\n"


async def start_twice(request: Request, answer: Answer) -> Response | None:
    """What a proxy does that sends a request again."""
    if request.url.path.endswith("/start_bash_command"):
        await answer()
    return None


async def test_a_start_that_arrives_twice_starts_nothing_twice_and_the_first_one_counts(
    server: RealServer, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    main = {"main.sh": f"echo started >> {starts}; sleep 1; exit 6"}
    async with faulty_proxy(server.url, start_twice) as proxy:
        story = begin(server, main, connection=proxied(server, proxy.url), keep=True)
        outcome = await story.ends(within=30)
    asked = [path for _, path in proxy.seen if path.endswith("/search")]
    status = await verify_run_status(
        run_id=story.run_id, agent_server_url=server.url, agent_server_api_key=server.key, remove=True
    )
    assert outcome.verdict.exit_code == status.exit_code == 6
    assert starts.read_text() == "started\n"
    assert len(asked) < 20


async def test_two_of_us_with_one_run_id_start_it_once_and_agree(server: RealServer, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    main = {"main.sh": f"echo started >> {starts}; sleep 1; echo the end; exit 5"}
    run_id = f"shared-{uuid4()}"
    stories = [begin(server, main, run_id=run_id, keep=True) for _ in range(4)]
    outcomes = await asyncio.gather(*(story.ends() for story in stories))
    assert starts.read_text() == "started\n"
    assert {ended(outcome) for outcome in outcomes} == {("failure", "exit-code")}
    assert {outcome.verdict.exit_code for outcome in outcomes} == {5}
    assert {outcome.output.text() for outcome in outcomes} == {"the end\n"}


async def test_two_of_us_who_leave_nothing_behind_agree_all_the_same(server: RealServer) -> None:
    async def nothing(request: Request, answer: Answer) -> Response | None:
        return None

    async with faulty_proxy(server.url, nothing) as proxy:
        main = {"main.sh": "sleep 1; echo the end; exit 5"}
        first = begin(server, main, run_id="shared-by-two")
        await asyncio.sleep(0.5)
        second = begin(server, main, run_id="shared-by-two", connection=proxied(server, proxy.url))
        outcomes = [await first.ends(), await second.ends()]
    assert ended(outcomes[0]) == ("failure", "exit-code")
    assert ended(outcomes[1]) in {("failure", "exit-code"), ("failure", "run-lost")}


async def test_a_refusal_in_the_middle_of_a_run_passes(server: RealServer) -> None:
    refused = 0

    async def refuse(request: Request, answer: Answer) -> Response | None:
        nonlocal refused
        if request.query_params.get("path", "").endswith("output.log") and refused < 3:
            refused += 1
            return Response("<html>maintenance</html>", 403)
        return None

    async with faulty_proxy(server.url, refuse) as proxy:
        outcome = await run(server, COUNT % (20, 0.05, 0), connection=proxied(server, proxy.url))
    assert refused == 3
    assert ended(outcome) == ("success", "ok")
    assert outcome.output.text() == lines(20)


async def test_a_server_that_breaks_down_while_it_starts_the_run_is_told_as_such(server: RealServer) -> None:
    async def broken(request: Request, answer: Answer) -> Response | None:
        if request.url.path.endswith("/upload"):
            return Response('{"detail": "Internal Server Error", "exception": "500: disk full"}', 500)
        return None

    async with faulty_proxy(server.url, broken) as proxy:
        with pytest.raises(Exception, match="disk full") as caught:
            await run(server, "echo never", connection=proxied(server, proxy.url), patience=1)
    assert server.key not in str(caught.value)


async def test_nothing_is_sent_to_where_a_redirect_points(server: RealServer) -> None:
    visited: list[str] = []

    async def record(request: Request, answer: Answer) -> Response | None:
        visited.append(request.url.path)
        return Response("{}")

    async with faulty_proxy(server.url, record) as elsewhere:

        async def redirect(request: Request, answer: Answer) -> Response | None:
            return Response(status_code=307, headers={"location": f"{elsewhere.url}{request.url.path}"})

        async with faulty_proxy(server.url, redirect) as proxy:
            with pytest.raises(Exception, match="HTTP 307"):
                await run(server, "echo never", connection=proxied(server, proxy.url), patience=1)
    assert visited == []


def conductor(
    server: RealServer, main: str, watcher: Watcher, run_id: str, *, is_durable: bool = True
) -> Conductor:
    """One whose run outlives it, if it is durable: somebody comes back."""
    return Conductor(
        AgentConnection(server.url, server.key),
        Order(run_id, "bash main.sh", tarball({"main.sh": main})),
        attention=Attention(0.2, lambda _: 0.2),
        progress=watcher,
        is_durable=is_durable,
    )


async def test_a_durable_run_outlives_its_conductor_and_the_next_one_ends_it(
    server: RealServer, tmp_path: Path
) -> None:
    run_id, starts = str(uuid4()), tmp_path / "starts"
    main = f"echo x >> {starts}; echo started; sleep 2; echo ended; exit 5"
    first, second = Watcher(), Watcher()
    task = asyncio.create_task(conductor(server, main, first, run_id).conduct())
    await first.sees("started")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.processes(run_id)
    assert run_id in server.directories()
    outcome = await conductor(server, main, second, run_id).conduct()
    assert ended(outcome) == ("failure", "exit-code")
    assert second.text == "started\nended\n"
    assert starts.read_text() == "x\n"
    assert run_id not in server.directories()


async def test_a_durable_run_that_ended_unattended_is_found_as_it_ended(server: RealServer) -> None:
    run_id, main = str(uuid4()), "echo started; sleep 0.5; exit 5"
    watcher = Watcher()
    task = asyncio.create_task(conductor(server, main, watcher, run_id).conduct())
    await watcher.sees("started")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await eventually((server.runs / run_id / "status.json").exists)
    outcome = await conductor(server, main, Watcher(), run_id).conduct()
    assert outcome.verdict.exit_code == 5
    assert run_id not in server.directories()


class Defective(Watcher):
    """Fails at the first output."""

    def output(self, data: bytes) -> None:
        raise ZeroDivisionError


async def test_an_error_ends_a_run_that_nobody_comes_back_for(server: RealServer) -> None:
    run_id = str(uuid4())
    begun = conductor(server, "echo started; sleep 300", Defective(), run_id, is_durable=False)
    with pytest.raises(ZeroDivisionError):
        await begun.conduct()
    await eventually(lambda: server.processes(run_id) == [])
    assert run_id not in server.directories()


async def test_an_error_leaves_a_durable_run_to_whoever_comes_back_for_it(server: RealServer) -> None:
    run_id, watcher = str(uuid4()), Watcher()
    main = "echo started; sleep 2; echo ended; exit 5"
    with pytest.raises(ZeroDivisionError):
        await conductor(server, main, Defective(), run_id).conduct()
    outcome = await conductor(server, main, watcher, run_id).conduct()
    assert ended(outcome) == ("failure", "exit-code")
    assert watcher.text == "started\nended\n"
    assert run_id not in server.directories()


async def test_the_proxy_is_honest(server: RealServer) -> None:
    async def nothing(request: Request, answer: Answer) -> Response | None:
        return None

    async with faulty_proxy(server.url, nothing) as proxy, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{proxy.url}/server_info")).json()["version"]


# It is the same wherever the server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
async def test_who_was_held_up_until_long_after_the_end_tells_it_truly(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that was paused, or a container: all that was to be waited for is over at once then."""
    outcome = await held_up(server, monkeypatch)
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 3


# It is the same wherever the server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
async def test_who_was_held_up_and_came_second_tells_of_the_first(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty_proxy(server.url, start_twice) as proxy:
        outcome = await held_up(server, monkeypatch, proxied(server, proxy.url))
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 3


async def held_up(
    server: RealServer, monkeypatch: pytest.MonkeyPatch, connection: AgentConnection | None = None
) -> Outcome:
    """Of a run whose follower does nothing until long after its end."""
    monkeypatch.setattr(conduct, "BACKSTOP", 0)
    monkeypatch.setattr(conduct, "MARGIN", 0)
    main = {"main.sh": "echo up; sleep 1; exit 3"}
    story = begin(server, main, connection=connection, timeout=3, grace=1, patience=1)
    await story.watcher.sees("up")
    time.sleep(8)
    return await story.ends()
