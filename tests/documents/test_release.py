"""A release is made only of a tree whose version, changelog and tag agree; what is wrong is said at once."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/release.py"
ENTRY = "## [1.2.3] - 2026-11-23\n\n### Added\n\n- Something.\n"
OLDER = "## [1.2.2] - 2026-10-01\n\n### Fixed\n\n- Something else.\n"


def tree(
    root: Path,
    *,
    version: str = "1.2.3",
    package: str = "1.2.3",
    locked: str = "1.2.3",
    changelog: str = f"# Changelog\n\n## [Unreleased]\n\n{ENTRY}\n{OLDER}",
) -> Path:
    """A tree with a script of its own, which looks at where it stands."""
    files = {
        "pyproject.toml": f'[project]\nname = "x"\nversion = "{version}"\n',
        "src/automation/__init__.py": f'"""X."""\n\n__version__ = "{package}"\n',
        "uv.lock": f'[[package]]\nname = "x"\nversion = "{locked}"\n',
        ".github/CHANGELOG.md": changelog,
        ".ci/release.py": SCRIPT.read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root / ".ci/release.py"


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-I", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_tree_in_order_says_its_version_and_its_notes(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    done = run(tree(tmp_path), "--tag", "v1.2.3", "--notes", str(notes))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.2.3\n", "")
    assert notes.read_text() == "### Added\n\n- Something.\n"


def test_without_a_tag_the_version_is_the_projects(tmp_path: Path) -> None:
    assert run(tree(tmp_path)).stdout == "1.2.3\n"


@pytest.mark.parametrize(
    ("files", "tag", "sentence"),
    [
        ({}, "v1.2.4", "the tag has to be v1.2.3"),
        ({}, "1.2.3", "the tag has to be v1.2.3"),
        ({"package": "1.2.2"}, "", "__init__.py says 1.2.2"),
        ({"locked": "1.2.2"}, "", "run `uv lock`"),
        ({"version": "1.2.3.dev0"}, "", "a release is X.Y.Z"),
        ({"version": "01.2.3"}, "", "a release is X.Y.Z"),
        ({"changelog": f"# Changelog\n\n{OLDER}"}, "", "has no entry `## [1.2.3]"),
        ({"changelog": f"# Changelog\n\n## [1.2.3] - 2026-11-23\n\n{OLDER}"}, "", "with something in it"),
        ({"changelog": "# Changelog\n\n## [1.2.3]\n\n- Something without a date.\n"}, "", "has no entry"),
        ({"changelog": f"# Changelog\n\n{OLDER}\n{ENTRY}"}, "", "the newest entry of CHANGELOG.md is 1.2.2"),
        (
            {"changelog": f"# Changelog\n\n## [Unreleased]\n\n- More.\n\n{ENTRY}"},
            "",
            "still has something under",
        ),
    ],
)
def test_a_tree_out_of_order_is_not_released(
    tmp_path: Path, files: dict[str, str], tag: str, sentence: str
) -> None:
    done = run(tree(tmp_path, **files), "--tag", tag)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    done = run(tree(tmp_path, package="1.0.0", locked="1.0.0", changelog="# Changelog\n"), "--tag", "v2.0.0")
    assert len(done.stderr.splitlines()) == 4
