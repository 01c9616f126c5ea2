"""Marks are found by every shell that is here, and what only looks like one is passed over."""

import os
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from automation.run.marks import Marked, find_marked_command, parse_marked
from tests.run.test_commands import execute, shells

DAYS = 2 * 24 * 3600.0
TEXT = " bot:mine:"


def a_run(base: Path, mark: str | None, name: str = "") -> str:
    """A directory with this mark; its name."""
    name = name or str(uuid4())
    directory = base / "automation-runs" / name
    directory.mkdir(parents=True)
    if mark is not None:
        (directory / "owner").write_text(mark)
    return name


def found(shell: str, base: Path, most: int = 100) -> Marked:
    return parse_marked(execute(shell, find_marked_command(TEXT, str(base), most=most), base).stdout)


@shells
def test_those_with_the_text_in_their_mark(shell: str, tmp_path: Path) -> None:
    mark = "https://github.com/octo/demo bot:mine:whatever"
    mine = a_run(tmp_path, mark)
    a_run(tmp_path, "https://github.com/octo/demo bot:another:whatever")
    a_run(tmp_path, None)
    assert found(shell, tmp_path) == Marked({UUID(mine): mark}, frozenset())


@shells
def test_what_is_no_mark_is_passed_over(shell: str, tmp_path: Path) -> None:
    long, linked, piped = a_run(tmp_path, f"x{TEXT}" * 300), a_run(tmp_path, None), a_run(tmp_path, None)
    runs = tmp_path / "automation-runs"
    (tmp_path / "elsewhere").write_text(f"x{TEXT}y")
    (runs / linked / "owner").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(runs / piped / "owner")
    a_run(tmp_path, f"x{TEXT}y", name="not-a-run")
    assert long
    assert found(shell, tmp_path).marks == {}


@shells
def test_what_lies_there_for_long(shell: str, tmp_path: Path) -> None:
    new, old = a_run(tmp_path, None), a_run(tmp_path, None)
    before = time.time() - DAYS
    os.utime(tmp_path / "automation-runs" / old, (before, before))
    assert found(shell, tmp_path) == Marked({}, frozenset({old})), new


@shells
def test_so_many_at_the_most(shell: str, tmp_path: Path) -> None:
    for _ in range(5):
        a_run(tmp_path, f"x{TEXT}y")
    assert len(found(shell, tmp_path, most=3).marks) == 3


@shells
def test_there_may_be_nothing(shell: str, tmp_path: Path) -> None:
    assert found(shell, tmp_path) == Marked({}, frozenset())


@pytest.mark.parametrize("answer", ["", "nonsense\n", "./x/owner:\n", "./../owner:bot\n", "/owner:\n"])
def test_an_answer_of_another_form_names_no_run(answer: str) -> None:
    assert parse_marked(answer).marks == {}
