"""What may pass is tried again for as long as the caller bears it; a POST is made once; nobody who has left is waited for."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from automation.github import GitHub, GitHubRefuses, GitHubUnavailable, GivenToken, client
from automation.github.client import LIMITED, PATIENCE, PAUSES, URGENT
from tests.fakes.github.apps import Token
from tests.fakes.github.server import FakeGitHub
from tests.server_process import free_port
from tests.workflow import Checkout

AWAY = GitHubUnavailable("nobody there")
NO = GitHubRefuses("no", status=404)
CHECK = {"name": "x", "head_sha": "a" * 40, "status": "queued"}


@pytest.fixture
def token(octo: FakeGitHub) -> Token:
    return octo.job_token("octo/demo", run_id=4242, permissions={"checks": "write"})


@pytest.fixture
async def hub(octo: FakeGitHub, token: Token) -> AsyncIterator[GitHub]:
    hub = GitHub(octo.url + "/", "octo/demo", GivenToken(token.value), timeout=5)
    yield hub
    hub.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def wait(self, seconds: float, unless: asyncio.Event | None) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return unless is None or not unless.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(client, "_waited", clock.wait)
    return clock


class Attempts:
    """Ends as it is told, in turn; as the last time for ever."""

    def __init__(self, ends: Iterable[str | Exception]) -> None:
        self.ends = list(ends)
        self.made = 0

    async def __call__(self) -> str:
        end = self.ends[min(self.made, len(self.ends) - 1)]
        self.made += 1
        if isinstance(end, Exception):
            raise end
        return end


def bearing(patience: float = PATIENCE) -> GitHub:
    return GitHub("http://127.0.0.1:9", "octo/demo", GivenToken("x"), patience=patience)


async def test_an_answer_comes_at_once(clock: Clock) -> None:
    assert await bearing().bear(Attempts(["yes"])) == "yes"
    assert clock.waits == []


async def test_what_passes_is_tried_again_ever_more_slowly(clock: Clock) -> None:
    attempts = Attempts([AWAY] * 7 + ["yes"])
    assert await bearing(600).bear(attempts) == "yes"
    assert clock.waits == [*PAUSES, PAUSES[-1], PAUSES[-1]]
    assert attempts.made == 8


@pytest.mark.parametrize("patience", [0.5, 1, 10, PATIENCE])
async def test_patience_is_not_exceeded(clock: Clock, patience: float) -> None:
    with pytest.raises(GitHubUnavailable, match=r"^nobody there$"):
        await bearing(patience).bear(Attempts([AWAY]))
    assert clock.now - 1000 <= patience


@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (0, 1), (0.2, 1), (100, 100)])
async def test_a_limit_is_waited_for_as_long_as_it_lasts(clock: Clock, asked: float, waited: float) -> None:
    assert await bearing().bear(Attempts([GitHubUnavailable("slow down", wait=asked), "yes"])) == "yes"
    assert clock.waits == [waited]


async def test_a_limit_that_lasts_too_long_is_not_waited_for(clock: Clock) -> None:
    with pytest.raises(GitHubUnavailable, match="slow down"):
        await bearing().bear(Attempts([GitHubUnavailable("slow down", wait=3600)]))
    assert clock.waits == []


@pytest.mark.parametrize("asked", [0, 1, 2, 60])
async def test_limits_without_end_are_given_up(clock: Clock, asked: float) -> None:
    with pytest.raises(GitHubUnavailable, match="slow down"):
        await bearing().bear(Attempts([GitHubUnavailable("slow down", wait=asked)]))
    assert clock.now - 1000 <= PATIENCE + LIMITED
    assert clock.now - 1000 > PATIENCE


@pytest.mark.parametrize(
    "error", [AWAY, GitHubUnavailable("slow down", wait=1), GitHubUnavailable("now", wait=0)]
)
async def test_without_patience_there_is_one_try(clock: Clock, error: GitHubUnavailable) -> None:
    attempts = Attempts([error, "yes"])
    with pytest.raises(GitHubUnavailable):
        await bearing(0).bear(attempts)
    assert (attempts.made, clock.waits) == (1, [])


async def test_a_refusal_is_final(clock: Clock) -> None:
    attempts = Attempts([AWAY, NO, "yes"])
    with pytest.raises(GitHubRefuses):
        await bearing().bear(attempts)
    assert attempts.made == 2


async def test_other_trouble_is_not_borne(clock: Clock) -> None:
    attempts = Attempts([KeyError("x"), "yes"])
    with pytest.raises(KeyError):
        await bearing().bear(attempts)
    assert attempts.made == 1


async def test_who_does_not_want_to_wait_any_more_does_not() -> None:
    nobody_waits = asyncio.Event()
    attempts = Attempts([AWAY])
    began = time.monotonic()
    asyncio.get_running_loop().call_later(0.1, nobody_waits.set)
    with pytest.raises(GitHubUnavailable):
        await bearing().bear(attempts, unless=nobody_waits)
    assert 0.09 < time.monotonic() - began < 0.9
    with pytest.raises(GitHubUnavailable):
        await bearing().bear(attempts, unless=nobody_waits)
    assert attempts.made == 2


async def test_a_wait_can_be_cancelled() -> None:
    waiting = asyncio.create_task(bearing().bear(Attempts([AWAY])))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 503}, {"drop": True}])
async def test_a_question_is_asked_again(hub: GitHub, octo: FakeGitHub, fault: dict[str, Any]) -> None:
    octo.fault("GET", "", times=3, **fault)
    assert (await hub.get(""))["full_name"] == "octo/demo"
    assert len(octo.requests) == 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}, {"status": 502, "after_effect": True}])
async def test_a_post_is_made_once(
    hub: GitHub, octo: FakeGitHub, checkout: Checkout, fault: dict[str, Any]
) -> None:
    octo.fault("POST", "", times=1, **fault)
    with pytest.raises(GitHubUnavailable):
        await hub.post("/check-runs", CHECK | {"head_sha": checkout.commit()})
    assert len(octo.requests) == 1


@pytest.mark.usefixtures("quick")
async def test_a_patch_is_made_once(hub: GitHub, octo: FakeGitHub, checkout: Checkout) -> None:
    check = await hub.post("/check-runs", CHECK | {"head_sha": checkout.commit()})
    octo.fault("PATCH", "", status=502)
    with pytest.raises(GitHubUnavailable):
        await hub.patch_once(f"/check-runs/{check['id']}", {"name": "y"})
    await hub.patch_once(f"/check-runs/{check['id']}", {"name": "z"})
    assert [request.status for request in octo.requests] == [201, 502, 200]


async def test_a_secondary_limit_is_obeyed(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault(
        "GET", "", status=403, headers={"retry-after": "1"}, body={"message": "You have exceeded a secondary"}
    )
    await hub.get("")
    first, second = octo.requests
    assert 1 <= second.at - first.at < 2


async def test_a_token_that_cannot_be_renewed_is_refused_at_once(
    hub: GitHub, octo: FakeGitHub, token: Token
) -> None:
    token.expire()
    with pytest.raises(GitHubRefuses, match="HTTP 401") as refusal:
        await hub.get("")
    assert refusal.value.status == 401
    assert len(octo.requests) == 1
    assert token.value not in refusal.value.sentence


async def test_calls_are_made_one_at_a_time(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("GET", "", delay=0.1, times=None)
    await asyncio.gather(*(hub.get("") for _ in range(4)))
    arrivals = [request.at for request in octo.requests]
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(arrivals))
    assert len(arrivals) == 4


async def test_a_call_that_waits_its_turn_can_be_cancelled(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("GET", "", delay=0.3)
    first, second = (asyncio.create_task(hub.get("")) for _ in range(2))
    await asyncio.sleep(0.05)
    second.cancel()
    assert (await first)["full_name"] == "octo/demo"
    assert second.cancelled()
    assert len(octo.requests) == 1


async def test_who_is_cancelled_does_not_wait_for_github(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("GET", "", delay=20)
    asked = asyncio.create_task(hub.get(""))
    while not octo.requests:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert time.monotonic() - began < 0.2
    assert (await hub.get(""))["full_name"] == "octo/demo"
    assert time.monotonic() - began < 2
    octo.clear_faults()


def test_a_thread_that_waits_does_not_hold_up_the_end(octo: FakeGitHub, token: Token) -> None:
    octo.fault("GET", "", delay=20)
    script = f"""
import asyncio
from automation.github import GitHub, GivenToken
async def main():
    hub = GitHub({octo.url!r}, "octo/demo", GivenToken({token.value!r}))
    try:
        async with asyncio.timeout(1):
            await hub.get("")
    except TimeoutError:
        print("left")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=10, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")
    octo.clear_faults()


async def test_a_hurry_waits_for_nobody(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("GET", "/pulls", delay=20)
    slow = asyncio.create_task(hub.get("/pulls"))
    while not octo.requests:
        await asyncio.sleep(0.01)
    hurried = hub.in_a_hurry()
    began = time.monotonic()
    assert (await hurried.get(""))["full_name"] == "octo/demo"
    assert time.monotonic() - began < 1
    hurried.close()
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    octo.clear_faults()


@pytest.mark.parametrize(
    "fault", [{"status": 502}, {"drop": True}, {"status": 429, "headers": {"retry-after": "1"}}]
)
async def test_a_hurry_tries_once(hub: GitHub, octo: FakeGitHub, fault: dict[str, Any]) -> None:
    octo.fault("GET", "", times=None, **fault)
    hurried = hub.in_a_hurry()
    with pytest.raises(GitHubUnavailable):
        await hurried.get("")
    hurried.close()
    assert len(octo.requests) == 1


async def test_a_hurry_is_over_soon(hub: GitHub) -> None:
    hurried = hub.in_a_hurry()
    assert hurried.timeout == URGENT
    assert URGENT <= 3, "a cancelled step has 10 s, of which a stop takes up to 7"
    assert hurried.patience == 0
    assert hurried.tokens is hub.tokens


async def test_a_server_that_drips_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never silent for as long as the time-out, and never done."""

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            for _count in range(100):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    monkeypatch.setattr(client, "WHOLE", 0.3)
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hub = GitHub(f"http://127.0.0.1:{port}", "octo/demo", GivenToken("ghs_x"), patience=0, timeout=1)
    began = time.monotonic()
    with pytest.raises(GitHubUnavailable, match="did not end its answer to GET"):
        await hub.get("")
    assert time.monotonic() - began < 2
    hub.close()
    server.close()


async def test_nobody_there_is_borne_and_given_up() -> None:
    hub = GitHub(f"http://127.0.0.1:{free_port()}", "octo/demo", GivenToken("ghs_x"), patience=0)
    with pytest.raises(GitHubUnavailable, match="did not answer GET /repos/octo/demo"):
        await hub.get("")
    hub.close()
    hub.close()


@pytest.mark.parametrize(
    ("there", "limit", "expected", "requests"),
    [
        (0, 3, 0, 1),
        (2, 3, 2, 1),
        (3, 3, 3, 1),
        (3, 2, 2, 1),
        (4, 3, 3, 1),
        (4, 6, 4, 2),
        (3, 6, 3, 2),
        (8, 7, 7, 3),
    ],
)
async def test_lists_are_read_page_by_page_up_to_a_limit(
    hub: GitHub,
    octo: FakeGitHub,
    monkeypatch: pytest.MonkeyPatch,
    there: int,
    limit: int,
    expected: int,
    requests: int,
) -> None:
    monkeypatch.setattr(client, "PER_PAGE", 3)
    repository = octo.world.repositories["octo/demo"]
    for number in range(1, there + 1):
        repository.pull(number, head=repository.resolve("main"))
    pages = hub.pages("/pulls", None, limit=limit, state="all", direction="asc")
    assert [pull["number"] async for pull in pages] == list(range(1, expected + 1))
    assert len(octo.requests) == requests


async def test_a_list_may_stand_under_a_key(hub: GitHub, octo: FakeGitHub, checkout: Checkout) -> None:
    sha = checkout.commit()
    octo.world.repositories["octo/demo"].foreign_check("lint", sha, app="other")
    found = [item["name"] async for item in hub.pages(f"/commits/{sha}/check-runs", "check_runs", limit=100)]
    assert found == ["lint"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("body", ["<html>Log in</html>", "", "{}", '{"message": "x"}', "5", "null", '"text"'])
async def test_a_list_that_is_none_is_no_answer(hub: GitHub, octo: FakeGitHub, body: str) -> None:
    octo.fault("GET", "", status=200, body=body)
    with pytest.raises(GitHubUnavailable):
        [item async for item in hub.pages("/pulls", "items", limit=100)]


async def test_the_token_for_what_goes_another_way(hub: GitHub, token: Token) -> None:
    assert await hub.token() == token.value
    assert token.value not in repr(hub.tokens)


FOLD = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } } }"


async def test_a_graphql_answer_is_its_data(octo: FakeGitHub, checkout: Checkout) -> None:
    repository = octo.world.repositories["octo/demo"]
    repository.pull(7, head=repository.resolve("main"))
    comment = repository.comment(7, "Hello")
    token = octo.job_token("octo/demo", run_id=4242, permissions={"pull_requests": "write"})
    for api_url in (octo.url, f"{octo.url}/v3"):
        hub = GitHub(api_url, "octo/demo", GivenToken(token.value))
        answer = await hub.graphql(FOLD, {"id": comment.node_id})
        hub.close()
        assert answer["minimizeComment"]["minimizedComment"]["isMinimized"]
    assert comment.minimized == "OUTDATED"
    assert [request.path for request in octo.requests] == ["/graphql", "/graphql"]
    assert octo.requests[0].json == {"query": FOLD, "variables": {"id": comment.node_id}}


@pytest.mark.usefixtures("quick")
async def test_errors_of_graphql_are_a_no(hub: GitHub, octo: FakeGitHub) -> None:
    with pytest.raises(GitHubRefuses, match="Could not resolve to a node"):
        await hub.graphql(FOLD, {"id": "IC_nothing"})
    assert len(octo.requests) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("body", ["<html>", "", "{}", "[]", "null", '"text"'])
async def test_a_graphql_answer_of_another_form_is_none(hub: GitHub, octo: FakeGitHub, body: str) -> None:
    octo.fault("POST", "graphql", status=200, body=body)
    with pytest.raises(GitHubUnavailable):
        await hub.graphql(FOLD, {"id": "IC_1"})


@pytest.mark.usefixtures("quick")
async def test_graphql_is_asked_once(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("POST", "graphql", status=502)
    with pytest.raises(GitHubUnavailable):
        await hub.graphql(FOLD, {"id": "IC_1"})
    assert len(octo.requests) == 1
