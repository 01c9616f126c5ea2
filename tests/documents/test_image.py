"""The image is made of what it needs, and of nothing that set-up has left in a checkout."""

import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from bot.set_up.credentials import DATABASE, ENV_FILE, KEY_FILE

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
RULES = re.findall(
    r"^(!?)([^#\n]+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def is_let_through(path: str) -> bool:
    """Whether Docker would see it: the last rule that fits it, or a directory above it, decides.

    Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    places = [path, *map(str, PurePosixPath(path).parents)]
    fitting = [
        bool(let) for let, pattern in RULES if any(_regex(pattern).fullmatch(place) for place in places)
    ]
    return not fitting or fitting[-1]


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*"))


def copied() -> list[str]:
    """What comes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_let_through(source: str) -> None:
    assert (ROOT / source).exists()
    assert is_let_through(source)


def test_every_package_of_the_project_is_copied() -> None:
    packages: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {package.split("/")[0] for package in packages} <= set(copied())


def test_both_programs_get_what_they_need() -> None:
    syncs = re.findall(r"^RUN uv sync (.+)$", DOCKERFILE, flags=re.MULTILINE)
    assert len(syncs) > 1
    extras = PROJECT["project"]["optional-dependencies"].keys() - {"embedded"}
    assert all(set(re.findall(r"--extra (\w+)", sync)) == extras for sync in syncs)
    smoke = (ROOT / ".ci/image").read_text(encoding="utf-8")
    assert set(PROJECT["project"]["scripts"]) - {"automation"} <= set(
        re.findall(r"--entrypoint (\S+)", smoke)
    )


def test_modules_and_templates_are_let_through() -> None:
    assert is_let_through("bot/pages/templates/run/facts.html")
    assert is_let_through("src/automation/run/runner.sh")
    assert not is_let_through("tests/conftest.py")
    assert not is_let_through("bot/__pycache__/app.cpython-312.pyc")


@pytest.mark.parametrize("name", [ENV_FILE, KEY_FILE, DATABASE, f"{DATABASE}-wal"])
@pytest.mark.parametrize("directory", ["", "bot/", "bot/pages/", "src/"])
def test_what_set_up_leaves_does_not_get_in(directory: str, name: str) -> None:
    assert not is_let_through(directory + name)
