"""No room is told with the place and with what to do; whatever else is wrong with a file is no matter of room."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from automation.errors import NoRoom
from automation.room import PASSING, own_directory, room_in

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no full device")


@pytest.mark.parametrize("number", sorted(PASSING))
def test_no_room_is_told_with_its_place(tmp_path: Path, number: int) -> None:
    with pytest.raises(NoRoom) as caught, room_in(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path) in caught.value.sentence
    assert os.strerror(number) in caught.value.sentence
    assert caught.value.sentence.endswith(": make room there")


@needs_full
def test_a_disk_that_shows_at_the_end_that_it_is_full(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match="No space left on device"), room_in(tmp_path), FULL.open("wb") as file:
        file.write(b"a little")


def test_what_is_wrong_otherwise_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), room_in(tmp_path):
        (tmp_path / "none").read_bytes()
    with pytest.raises(PermissionError), room_in(tmp_path):
        raise PermissionError(errno.EACCES, "not yours")


def test_a_machine_without_any_place_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    with (
        pytest.raises(NoRoom, match=r"the place of temporary files .* let TMPDIR name"),
        own_directory("mine-"),
    ):
        pass


def test_a_directory_of_ones_own(tmp_path: Path) -> None:
    with own_directory("mine-", tmp_path) as directory:
        assert directory.parent == tmp_path
        assert directory.name.startswith("mine-")
        (directory / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_whoever_uses_it_answers_for_what_goes_wrong_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="elsewhere"), own_directory("mine-", tmp_path):
        raise OSError(errno.ENOSPC, "no room elsewhere")
