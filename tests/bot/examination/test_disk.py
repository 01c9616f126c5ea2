"""The database's place and the credentials' files, looked at and left as they are."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.disk import LEAST_FREE
from bot.examination.disk import database_findings, private_file_findings
from bot.examination.finding import Level


def test_a_database_that_is_made_at_the_first_start(tmp_path: Path) -> None:
    database, disk = database_findings(tmp_path / "bot.db")
    assert (database.level, disk.level) == (Level.OK, Level.OK)
    assert "is made at the first start" in database.sentence
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(b"")
    assert [finding.level for finding in database_findings(path)] == [Level.OK, Level.OK]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    [found] = database_findings(tmp_path / "none" / "bot.db")
    assert found.level is Level.WRONG
    assert "is not there" in found.sentence


def test_a_directory_in_the_databases_place(tmp_path: Path) -> None:
    [found] = database_findings(tmp_path)
    assert found.level is Level.WRONG


@pytest.mark.parametrize(("free", "level"), [(LEAST_FREE, Level.OK), (LEAST_FREE - 1, Level.WRONG)])
def test_a_disk_that_fills_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    _, disk = database_findings(tmp_path / "bot.db")
    assert disk.level is level


@pytest.mark.parametrize(("mode", "is_noted"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_credentials_that_others_may_read(tmp_path: Path, mode: int, *, is_noted: bool) -> None:
    path = tmp_path / "bot.env"
    path.write_text("")
    path.chmod(mode)
    found = list(private_file_findings([path, tmp_path / "none"]))
    assert [finding.level for finding in found] == ([Level.NOTE] if is_noted else [])
