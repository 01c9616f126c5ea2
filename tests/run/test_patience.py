"""A silent server is borne for as long as was said, with growing pauses, and then given up with a reason."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from automation.errors import Misconfigured, ServerLost, ServerUnavailable
from automation.reasons import Reason
from automation.run import patience
from automation.run.patience import PAUSES, Patience


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(patience, "asyncio", SimpleNamespace(sleep=clock.sleep))
    return clock


class Server:
    """Answers with what it is told, in turn; the last answer for ever."""

    def __init__(self, answers: Iterable[str | Exception]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> str:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


AWAY = ServerUnavailable("nobody there")


async def test_an_answer_comes_at_once(clock: Clock) -> None:
    assert await Patience(10).bear(Server(["yes"])) == "yes"
    assert clock.pauses == []


async def test_what_passes_is_tried_again_ever_more_slowly(clock: Clock) -> None:
    server = Server([*[AWAY] * 9, "yes"])
    assert await Patience(120).bear(server) == "yes"
    assert server.asked == 10
    assert clock.pauses == [*PAUSES, *[PAUSES[-1]] * 5]


async def test_patience_ends_and_says_what_was_tried(clock: Clock) -> None:
    server = Server([AWAY])
    with pytest.raises(ServerLost) as lost:
        await Patience(10).bear(server)
    assert lost.value.sentence.startswith(f"nobody there; {server.asked} tries in 10 s. Check")
    assert lost.value.reason is Reason.SERVER_LOST
    assert lost.value.sentence.isprintable()
    assert 10 <= clock.now - 1000 < 10.1
    assert server.asked == len(clock.pauses) + 1


@pytest.mark.parametrize("seconds", [0, 0.01, 0.3, 3, 100])
async def test_no_patience_is_exceeded_by_much(clock: Clock, seconds: float) -> None:
    with pytest.raises(ServerLost):
        await Patience(seconds).bear(Server([AWAY]))
    assert seconds <= clock.now - 1000 <= seconds + 0.1


async def test_without_patience_the_first_failure_is_the_last(clock: Clock) -> None:
    with pytest.raises(ServerLost):
        await Patience(0).bear(Server([AWAY, "yes"]))
    assert clock.pauses == []


async def test_silence_is_measured_from_the_first_failure(clock: Clock) -> None:
    server = Server([AWAY, "yes"])
    tested = Patience(10)
    clock.now += 3600
    assert await tested.bear(server) == "yes"


async def test_an_answer_forgives_what_was_before(clock: Clock) -> None:
    tested = Patience(3)
    for _ in range(5):
        assert await tested.bear(Server([AWAY, AWAY, AWAY, "yes"])) == "yes"
    assert clock.pauses == [0.25, 0.5, 1] * 5


async def test_one_silence_is_shared_by_all_requests(clock: Clock) -> None:
    tested = Patience(10)
    for _ in range(4):
        await tested.wait_after(AWAY)
    assert clock.pauses == [0.25, 0.5, 1, 2]
    with pytest.raises(ServerLost, match=r"tries in 10 s"):
        await tested.bear(Server([AWAY]))


async def test_what_does_not_pass_is_not_tried_again(clock: Clock) -> None:
    server = Server([Misconfigured("wrong key")])
    with pytest.raises(Misconfigured, match="wrong key"):
        await Patience(10).bear(server)
    assert server.asked == 1


async def test_what_is_lost_is_lost(clock: Clock) -> None:
    server = Server([ServerLost("gone")])
    with pytest.raises(ServerLost, match=r"^gone$"):
        await Patience(10).bear(server)
    assert (server.asked, clock.pauses) == (1, [])


async def test_a_wait_can_be_cancelled() -> None:
    waiting = asyncio.create_task(Patience(60).bear(Server([AWAY])))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("seconds", [float("nan"), -1, -0.001, float("-inf")])
def test_no_patience_is_less_than_none(seconds: float) -> None:
    with pytest.raises(Misconfigured, match="patience is a number of seconds, 0 or more"):
        Patience(seconds)
