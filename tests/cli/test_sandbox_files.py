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
with SandboxFiles.open().of("8f6dbb0e-3d33-5f0a-9e0c-5a1d6ce0a7f1", "https://cloud.example", keep=False) as file:
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
    with files.of(RUN, URL, keep=False) as file:
        asyncio.run(file.has("box-1"))
        assert files.is_alive(RUN)
        assert files.left() == {}, "it is in use"
        asyncio.run(file.gave_back("box-1"))
    assert not files.is_alive(RUN)
    assert list(files.directory.iterdir()) == []


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_not_given_back_is_remembered(files: SandboxFiles, keep: bool) -> None:
    with files.of(RUN, URL, keep=keep) as file:
        asyncio.run(file.has("box-1"))
    memo = files.left()[RUN]
    assert (memo.api_url, memo.sandboxes, memo.kept) == (URL, ("box-1",), keep)
    files.forget(RUN)
    assert files.left() == {}


def test_a_killed_process_leaves_its_word(files: SandboxFiles) -> None:
    subprocess.run([sys.executable, "-c", DIES], check=False, env=os.environ)
    memo = files.left()[RUN]
    assert (memo.sandboxes, memo.asked_at) == (("box-1",), 7.5)
    assert not files.is_alive(RUN)


def test_what_cannot_be_read_is_passed_over(files: SandboxFiles) -> None:
    (files.directory / "broken.json").write_text('{"api')
    assert files.left() == {}


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(Misconfigured, match="set XDG_STATE_HOME"):
        SandboxFiles.open()
