"""Say whether the tree can be released: its version, the changelog and the tag have to agree.

    python3 .ci/release.py [--tag vX.Y.Z] [--notes FILE]

Prints the version, and writes the changelog's entry of it to FILE. Whatever is wrong is said at once, with exit code 1.
Needs nothing but Python 3.12.
"""

# ruff: noqa: INP001, T201  # a script of CI, not a module of the product

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
UNRELEASED = "[Unreleased]"
DATED = re.compile(r"\[(?P<version>[^\]]+)\] - \d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Tree:
    """What the files say that have to agree."""

    project: str
    package: str
    locked: str
    changelog: str

    @property
    def notes(self) -> str:
        """The changelog's entry of the project's version, empty where there is none."""
        return next((text for title, text in self.sections() if title == self.project), "")

    def sections(self) -> Iterator[tuple[str, str]]:
        """The changelog's entries: version and text. What has no date is no release: its title is as it stands."""
        parts = SECTION.split(self.changelog)[1:]
        for title, text in zip(parts[::2], parts[1::2], strict=True):
            dated = DATED.fullmatch(title)
            yield (dated["version"] if dated else title), text.strip()


def read(root: Path) -> Tree:
    """The tree at `root`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    said = re.search(
        r'^__version__ = "(.*)"$',
        (root / "src/automation/__init__.py").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    locked = [package["version"] for package in lock["package"] if package["name"] == project["name"]]
    changelog = (root / ".github/CHANGELOG.md").read_text(encoding="utf-8")
    return Tree(
        project["version"], said[1] if said else "nothing", locked[0] if locked else "nothing", changelog
    )


def problems(tree: Tree, tag: str) -> Iterator[str]:
    """What keeps the tree from being released, and what to do about it."""
    version = tree.project
    if not VERSION.fullmatch(version):
        yield f"pyproject.toml has version {version!r}; a release is X.Y.Z"
    if tag and tag != f"v{version}":
        yield f"the tag is {tag}, and pyproject.toml has version {version}: the tag has to be v{version}"
    if tree.package != version:
        yield f"src/automation/__init__.py says {tree.package}, pyproject.toml {version}"
    if tree.locked != version:
        yield f"uv.lock says {tree.locked}, pyproject.toml {version}: run `uv lock`"
    if not tree.notes:
        yield f"CHANGELOG.md has no entry `## [{version}] - YYYY-MM-DD` with something in it"
    released = [title for title, _ in tree.sections() if title != UNRELEASED]
    if tree.notes and released[0] != version:
        yield f"the newest entry of CHANGELOG.md is {released[0]}, not {version}"
    if any(text for title, text in tree.sections() if title == UNRELEASED):
        yield f"CHANGELOG.md still has something under Unreleased: it belongs to {version}, or is not in this tree"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tag", default="")
    parser.add_argument("--notes", type=Path)
    options = parser.parse_args(arguments)
    tree = read(root)
    found = list(problems(tree, options.tag))
    for problem in found:
        print(f"release: {problem}", file=sys.stderr)
    if found:
        return 1
    if options.notes:
        options.notes.write_text(tree.notes + "\n", encoding="utf-8")
    print(tree.project)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
