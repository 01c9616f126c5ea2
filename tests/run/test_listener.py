"""What a run says is passed on without its secrets, and kept for its outcome."""

import pytest

from automation.redaction import Redactor
from automation.run.listener import Listener
from automation.run.progress import Phase

SECRET = "hunter2-hunter2"


class Heard:
    """A progress that keeps all it is told."""

    def __init__(self) -> None:
        self.phases: list[tuple[Phase, str]] = []
        self.notes: list[str] = []
        self.data = b""

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.phases.append((phase, detail))

    def output(self, data: bytes) -> None:
        assert data, "nothing is no news"
        self.data += data

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def listener(heard: Heard) -> Listener:
    return Listener(heard, Redactor([SECRET]))


def test_phases_are_passed_on_and_remembered(listener: Listener, heard: Heard) -> None:
    listener.enter(Phase.CONNECT, f"http://h/{SECRET}")
    listener.enter(Phase.RUN)
    assert heard.phases == [(Phase.CONNECT, "http://h/***"), (Phase.RUN, "")]
    assert listener.entered == {Phase.CONNECT, Phase.RUN}


def test_notes_are_passed_on_and_kept(listener: Listener, heard: Heard) -> None:
    listener.note(f"the key {SECRET} was refused")
    assert heard.notes == listener.notes == ["the key *** was refused"]


@pytest.mark.parametrize("at", range(1, len(SECRET)))
def test_a_secret_that_comes_in_two_pieces_is_none(listener: Listener, heard: Heard, at: int) -> None:
    said = f"before {SECRET} after\n".encode()
    cut = len(b"before ") + at
    listener.output(said[:cut])
    listener.output(said[cut:])
    listener.close()
    assert heard.data == b"before *** after\n"
    assert listener.excerpt.kept[0] == heard.data


def test_what_is_held_back_comes_at_the_end(listener: Listener, heard: Heard) -> None:
    begun = SECRET[:5].encode()
    listener.output(b"")
    listener.output(begun)
    assert heard.data == b""
    listener.close()
    assert heard.data == begun
    assert listener.excerpt.total == len(begun)
