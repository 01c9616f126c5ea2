"""The first mark in a sandbox stays, whatever comes after it, in whichever shell."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.backends.sandbox_mark import (
    LONGEST,
    Mark,
    mark_command,
    parse_mark,
    read_mark_command,
    words_of,
)

ID = "18HWllHllep3I8qTJu7S8s"


def sh(home: Path, command: str, shell: str = "sh") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    ran = subprocess.run([shell, "-c", command], env=environment, capture_output=True, text=True, check=True)
    return parse_mark(ran.stdout)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_first_one_stays(tmp_path: Path, shell: str) -> None:
    assert sh(tmp_path, read_mark_command(ID), shell) == ""
    assert sh(tmp_path, mark_command(ID, "one 'a' $HOME"), shell) == "one 'a' $HOME"
    assert sh(tmp_path, mark_command(ID, "another"), shell) == "one 'a' $HOME"
    assert sh(tmp_path, read_mark_command(ID), shell) == "one 'a' $HOME"
    assert sh(tmp_path, read_mark_command("another"), shell) == ""
    [file] = (tmp_path / ".openhands/workspaces/automation-sandboxes").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_of_many_at_once_one_is_first(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    started = [
        subprocess.Popen(["sh", "-c", mark_command(ID, f"run-{n}")], env=environment, stdout=subprocess.PIPE)
        for n in range(20)
    ]
    seen = {process.communicate()[0] for process in started}
    # Whoever comes while the first one writes may see nothing yet, and never another's.
    assert len(seen - {b""}) == 1


@pytest.mark.parametrize("wrong", ["", "a b\nc", "two  spaces", " a", "a\t", "ü", "x" * (LONGEST + 1)])
def test_what_is_no_mark_is_not_made(wrong: str) -> None:
    with pytest.raises(AssertionError):
        mark_command(ID, wrong)


@pytest.mark.parametrize("wrong", ["", "../etc", "a/b", "-rf", "a b", "a\n"])
def test_what_is_no_id_names_no_file(wrong: str) -> None:
    with pytest.raises(AssertionError):
        read_mark_command(wrong)


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_mark_says_whose_it_is_and_proves_it(is_kept: bool) -> None:
    mark = Mark("https://github.com/acme/app action:1", is_kept=is_kept)
    text = mark.sealed(ID, "key")
    assert words_of(text) == "https://github.com/acme/app action:1"
    assert Mark.proved(text, ID, "key") == mark
    assert "key" not in text


SEALED = Mark("run-1").sealed(ID, "key")


@pytest.mark.parametrize(
    ("text", "sandbox_id", "key"),
    [
        (SEALED, "another", "key"),
        (SEALED, ID, "another"),
        (SEALED.replace("run-1", "run-2"), ID, "key"),
        (SEALED.replace("used", "kept"), ID, "key"),
        ("run-1", ID, "key"),
        ("run-1 used ", ID, "key"),
        ("", ID, "key"),
        (None, ID, "key"),
    ],
    ids=[
        "copied",
        "another account's",
        "other words",
        "kept",
        "no seal",
        "an empty seal",
        "nothing",
        "unseen",
    ],
)
def test_what_was_not_made_for_that_sandbox_with_that_key_proves_nothing(
    text: str | None, sandbox_id: str, key: str
) -> None:
    assert Mark.proved(text, sandbox_id, key) is None


@given(st.text(), st.text())
def test_no_text_is_a_proof(text: str, key: str) -> None:
    assert Mark.proved(parse_mark(text), ID, key) is None


@given(st.text())
def test_whatever_stands_there_is_read_as_one_line_or_none(text: str) -> None:
    assert "\n" not in parse_mark(text)
