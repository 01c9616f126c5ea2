"""What fails is left alone for a while that grows, unless somebody asks for it."""

import time
from uuid import uuid4

import pytest

from bot.runs import delays as module
from bot.runs.delays import Delays


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (1.0, 10.0, 100.0))
    delays, run, pauses = Delays(), uuid4(), list[int]()
    for _ in range(5):
        delays.put_off(run)
        pauses.append(round(delays._until[run] - time.monotonic()))
    assert pauses == [1, 10, 100, 100, 100]
    assert delays.failures(run) == 5


def test_who_is_asked_to_wait_longer_does(monkeypatch: pytest.MonkeyPatch) -> None:
    delays, run = Delays(), uuid4()
    delays.put_off(run, 50)
    assert round(delays._until[run] - time.monotonic()) == 50


def test_what_is_over_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0,))
    delays, now, later = Delays(), uuid4(), uuid4()
    delays.put_off(now)
    delays.put_off(later, 60)
    assert set(delays.put_off_now) == {later}
    delays.end(later)
    assert not delays.put_off_now
    assert delays.failures(later) == 1
    delays.forget(later)
    assert delays.failures(later) == 0


def test_defects_are_counted_apart() -> None:
    delays, run = Delays(), uuid4()
    delays.put_off(run)
    assert delays.put_off_defective(run) == 1
    delays.put_off(run)
    assert delays.put_off_defective(run) == 2
    assert delays.failures(run) == 4
    delays.forget(run)
    assert delays.put_off_defective(run) == 1
