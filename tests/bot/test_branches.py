"""Where a branch was is known for a minute, and not after a push."""

import pytest

from bot.branches import FRESH, Branches

SHA = "a" * 40


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("bot.branches.time.monotonic", lambda: now[0])
    return now


def test_it_is_known_for_a_minute(clock: list[float]) -> None:
    known = Branches()
    assert known.last("octo/demo", "main") == ""
    known.seen("Octo/Demo", "main", SHA)
    assert known.last("octo/demo", "main") == SHA
    assert known.last("octo/demo", "Main") == ""
    assert known.last("octo/other", "main") == ""
    clock[0] += FRESH
    assert known.last("octo/demo", "main") == ""


def test_a_push_makes_it_unknown(clock: list[float]) -> None:
    del clock
    known = Branches()
    known.pushed("octo/demo", "main")
    known.seen("octo/demo", "main", SHA)
    known.seen("octo/demo", "next", SHA)
    known.pushed("octo/demo", "main")
    assert [known.last("octo/demo", name) for name in ("main", "next")] == ["", SHA]


def test_what_is_old_is_forgotten(clock: list[float]) -> None:
    known = Branches()
    for number in range(50):
        clock[0] += FRESH / 10
        known.seen("octo/demo", f"branch {number}", SHA)
    assert len(known._seen) <= 11
