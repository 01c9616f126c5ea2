"""What is remembered of sandboxes outlives the process that made them, and tells whether that one lives."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automation.cli.sandbox_files import SandboxFiles
from automation.errors import Misconfigured

URL = "https://cloud.example"
RUN = "8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1"
DIES = """
import asyncio, os, signal
from automation.cli.sandbox_files import SandboxFiles
with SandboxFiles.open().of("8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1", "https://cloud.example", 1000, keep=False) as file:
    asyncio.run(file.asks(7.5))
    asyncio.run(file.has("box-1"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxFiles:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return SandboxFiles.open()


def test_this_machine_has_one_word_for_good(files: SandboxFiles) -> None:
    assert files.instance == SandboxFiles.open().instance
    assert len(files.instance) == 16


def test_nothing_is_left_of_a_run_that_gave_everything_back(files: SandboxFiles) -> None:
    with files.of(RUN, URL, 1000, keep=False) as file:
        asyncio.run(file.has("box-1"))
        assert files.is_alive(RUN)
        assert files.memos()[RUN].sandboxes == ("box-1",)
        asyncio.run(file.gave_back("box-1"))
    assert not files.is_alive(RUN)
    assert list(files.directory.iterdir()) == []


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_not_given_back_is_remembered(files: SandboxFiles, keep: bool) -> None:
    with files.of(RUN, URL, 1000, keep=keep) as file:
        asyncio.run(file.has("box-1"))
    memo = files.memos()[RUN]
    assert (memo.api_url, memo.sandboxes, memo.kept) == (URL, ("box-1",), keep)
    files.forget(RUN)
    assert files.memos() == {}


def test_a_killed_process_leaves_its_word(files: SandboxFiles) -> None:
    subprocess.run([sys.executable, "-c", DIES], check=False, env=os.environ)
    memo = files.memos()[RUN]
    assert (memo.sandboxes, memo.asked_at) == (("box-1",), 0)
    assert not files.is_alive(RUN)


def test_a_request_that_nobody_saw_the_answer_of_is_remembered(files: SandboxFiles) -> None:
    with files.of(RUN, URL, 1000, keep=False) as file:
        asyncio.run(file.asks(1000))
    memo = files.memos()[RUN]
    assert memo.asked_for(1003)
    assert not memo.asked_for(900)
    assert not memo.asked_for(2000)
    with files.of(RUN, URL, 1000, keep=False) as file:
        asyncio.run(file.asks(0))
    assert files.memos() == {}


def test_a_run_that_is_under_way_is_not_begun_again(files: SandboxFiles) -> None:
    with files.of(RUN, URL, 1000, keep=False) as file:
        asyncio.run(file.has("box-1"))
        with (
            pytest.raises(Misconfigured, match="under way on this machine"),
            files.of(RUN, URL, 1000, keep=False),
        ):
            raise AssertionError
        files.forget(RUN)
        assert files.memos()[RUN].sandboxes == ("box-1",), "it is not forgotten, either"
        asyncio.run(file.gave_back("box-1"))


def test_a_run_that_has_a_sandbox_elsewhere_is_refused(files: SandboxFiles) -> None:
    with files.of(RUN, URL, 1000, keep=True) as file:
        asyncio.run(file.has("box-1"))
    with (
        pytest.raises(Misconfigured, match=r"has a sandbox of the Cloud at https://cloud\.example already"),
        files.of(RUN, "https://another.example", 1000, keep=False),
    ):
        raise AssertionError
    assert files.memos()[RUN].kept


HOLDS = """
import sys
from automation.cli.sandbox_files import SandboxFiles
from automation.errors import Misconfigured
for _ in range(200):
    try:
        with SandboxFiles.open().of(sys.argv[1], "https://cloud.example", 1000, keep=False):
            assert SandboxFiles.open().is_alive(sys.argv[1])
    except Misconfigured:
        pass
"""


def test_who_has_it_has_it_whatever_the_others_do(files: SandboxFiles) -> None:
    """The last one to leave removes the file: a lock of what nobody finds any more is none."""
    started = [subprocess.Popen([sys.executable, "-c", HOLDS, RUN], env=os.environ) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert list(files.directory.iterdir()) == []


def test_whose_it_is_stays_what_its_mark_says(files: SandboxFiles) -> None:
    with files.of(RUN, URL, 1000, keep=True) as file:
        asyncio.run(file.has("box-1"))
    with files.of(RUN, URL, 2000, keep=True) as file:
        assert file.memo.deadline == 1000
        asyncio.run(file.gave_back("box-1"))
    with files.of(RUN, URL, 3000, keep=True) as file:
        assert file.memo.deadline == 3000


def test_what_cannot_be_read_is_passed_over(files: SandboxFiles) -> None:
    (files.directory / "broken.json").write_text('{"api')
    assert files.memos() == {}


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(Misconfigured, match="set XDG_STATE_HOME"):
        SandboxFiles.open()
