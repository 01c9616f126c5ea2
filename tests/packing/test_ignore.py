"""The reference is git itself: every case is also asked of `git check-ignore`."""

import os
import subprocess
from pathlib import Path

import pytest

from automation.errors import Misconfigured
from automation.packing.ignore import Ignore

CASES = [
    (["*", "!*/", "!*.py"], ["a/b.txt", "a/c.py", "d.py", "e"]),
    (["build/", "!build/keep"], ["build/keep", "x/build/a", "kept/build"]),
    (["/*", "!/keep/"], ["keep/x", "z"]),
    (["*.log", "!important.log"], ["a.log", "d/important.log"]),
    (["doc/**/x"], ["doc/x", "doc/a/b/x", "other/doc/x"]),
    (["foo"], ["foo/x/y", "b/foo", "food"]),
    (["foo/*", "!foo/bar/", "foo/bar/*", "!foo/bar/z"], ["foo/a", "foo/bar/q", "foo/bar/z"]),
    (["\\#a", "\\!b", "c\\ ", "# comment", "", "   "], ["#a", "!b", "c ", "comment"]),
    (["[ab].txt", "?x"], ["a.txt", "c.txt", "yx"]),
    (["*", "!a/", "!a/b"], ["a/b", "a/c"]),
    (["foo", "!foo/"], ["foo/x", "d/foo"]),
    (["foo/**", "!foo/a/"], ["foo/a/x", "foo/b"]),
    (["/only"], ["only", "d/only"]),
    (["a/b"], ["a/b/c", "x/a/b"]),
    (["**/logs"], ["logs/x", "a/logs/y"]),
]


@pytest.mark.parametrize(("patterns", "files"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_patterns_mean_what_they_mean_to_git(patterns: list[str], files: list[str], tmp_path: Path) -> None:
    ignore = Ignore.parse("\n".join(patterns) + "\n")
    assert [file for file in files if ignore.excludes(file)] == _ignored_by_git(tmp_path, patterns, files)


def _ignored_by_git(directory: Path, patterns: list[str], files: list[str]) -> list[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    subprocess.run(["git", "init", "-q", directory], check=True, env=environment)
    (directory / ".gitignore").write_text("\n".join(patterns) + "\n")
    for file in files:
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).touch()
    found = subprocess.run(
        ["git", "-C", directory, "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(files).encode(),
        stdout=subprocess.PIPE,
        env=environment,
        check=False,
    )
    return found.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("path", [".git/config", "a/__pycache__/b.pyc", ".DS_Store", "d/.DS_Store"])
def test_some_names_stay_out_whatever_the_patterns_say(path: str) -> None:
    assert Ignore.parse("!.git/\n!__pycache__/\n!.DS_Store\n").excludes(path)
    assert Ignore().excludes(path)


def test_a_wrong_pattern_is_named_with_its_line() -> None:
    with pytest.raises(Misconfigured, match=r"line 2: '!' is not a gitignore pattern"):
        Ignore.parse("*.log\n!\n")
