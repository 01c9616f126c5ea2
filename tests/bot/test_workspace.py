"""The bot's directory goes with its process, whichever way that ends; nobody else's is touched."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from automation.errors import NoRoom
from bot.workspace import PREFIX, YOUNG, workspace

KILLED = """
import os, signal, sys
from pathlib import Path
from bot.workspace import workspace
with workspace(Path(sys.argv[1])) as directory:
    (directory / "tree").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(parent: Path) -> Path:
    """What a killed process has left, long enough ago."""
    subprocess.run([sys.executable, "-c", KILLED, parent], check=False, cwd=Path(__file__).parents[2])
    [left] = parent.glob(f"{PREFIX}*")
    aged(left)
    return left


def aged(directory: Path) -> None:
    before = time.time() - YOUNG - 1
    os.utime(directory, (before, before))


def test_it_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with workspace(tmp_path) as directory:
        (directory / "file").write_text("x")
        assert directory.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = killed(tmp_path)
    assert (left / "tree").is_dir()
    with workspace(tmp_path):
        assert not left.exists()


def test_another_process_keeps_its_own(tmp_path: Path) -> None:
    with workspace(tmp_path) as first:
        aged(first)
        with workspace(tmp_path):
            assert first.is_dir()


def test_one_that_is_just_being_made_is_left(tmp_path: Path) -> None:
    made = tmp_path / f"{PREFIX}new"
    made.mkdir()
    with workspace(tmp_path):
        assert made.is_dir()


def test_what_only_has_the_name_is_left(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    aged(elsewhere)
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}file").write_text("x")
    with workspace(tmp_path):
        assert elsewhere.is_dir()
        assert (tmp_path / f"{PREFIX}file").is_file()


def test_no_room_for_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryDirectory", fail)
    with pytest.raises(NoRoom, match=str(tmp_path)), workspace(tmp_path):
        pass
