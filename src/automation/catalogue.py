"""The automations of a repository on disk: where they are, and which one a name means.

Only real directories directly below a place count, as for OpenHands' git sync: symbolic links are passed over,
so a commit cannot point us at files outside the repository. A definition that cannot be read is listed with its
problems, never hidden; looking for one by name fails with a sentence that says what there is.
"""

import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from automation.definition import Definition, Problem, Reading, Severity, read_definition
from automation.definition.located_yaml import MAX_BYTES
from automation.definition.problems import nearest, quote
from automation.errors import Misconfigured

DEFINITION_NAME: Final = "automation.yaml"
DEFAULT_PLACES: Final = (".openhands/automations", "automations")


@dataclass(frozen=True)
class Automation:
    """An automation that can be used. `definition_file` is relative to the repository where it lies in it."""

    slug: str
    directory: Path
    definition_file: Path
    definition: Definition


@dataclass(frozen=True)
class Found:
    """A directory with a definition, right or wrong."""

    slug: str
    directory: Path
    definition_file: Path
    reading: Reading

    def usable(self) -> Automation:
        """The automation.

        Raises:
            Misconfigured: its definition has errors; names all of them, one per line.
        """
        return Automation(self.slug, self.directory, self.definition_file, self.reading.usable())


def list_automations(root: Path, automations_path: str | None = None) -> list[Found]:
    """Every automation of the repository at `root`, by slug.

    Args:
        root: The repository's root.
        automations_path: The one place to look in, relative to `root`, instead of the two default ones.

    Raises:
        Misconfigured: `automations_path` is absolute or has a `..` in it.
    """
    return [_read(root, directory) for directory in _directories(root, automations_path)]


def find_automation(root: Path, name_or_path: str, automations_path: str | None = None) -> Automation:
    """The automation that is meant by a slug, by the `name:` of a definition (in any case), or by a path.

    A path is what contains a `/`, and `.`; it names a directory or its `automation.yaml`, relative to `root` or
    absolute, also outside of it. A bare word is a path only when no automation has that name. Whether the
    automation is enabled is not asked here.

    Raises:
        Misconfigured: there is none, more than one, or it has errors.
    """
    if "/" in name_or_path or name_or_path in {".", "..", DEFINITION_NAME}:
        return _at_path(root, name_or_path)
    directories = _directories(root, automations_path)
    # A slug is a directory's name: where one has it, nobody else's definition has to be read.
    slugged = [each for each in directories if each.name == name_or_path]
    found = [_read(root, each) for each in slugged or directories]
    matches = [each for each in found if slugged or _is_named(each, name_or_path)]
    if len(matches) > 1:
        which = " and ".join(str(each.definition_file.parent) for each in matches)
        raise Misconfigured(f"{quote(name_or_path)} is ambiguous: {which}; give the path of the one you mean")
    if matches:
        return matches[0].usable()
    directory = root / name_or_path
    if name_or_path and _is_regular(directory / DEFINITION_NAME) and not directory.is_symlink():
        return _at_path(root, name_or_path)
    raise Misconfigured(_unknown(name_or_path, found, _places(automations_path)))


def read_at(path: Path) -> Reading:
    """The definition at a path to an `automation.yaml` or to the directory that holds it."""
    file = path / DEFINITION_NAME if path.is_dir() else path
    if not file.is_file():
        return _unreadable(str(file), 1, "there is no such file, or it is not a regular one")
    return _read_file(file, str(file))


def bundle_root(automation: Automation) -> Path:
    """Where the code is: `tarball/` as OpenHands' git sync writes it, otherwise the directory itself."""
    tarball = automation.directory / "tarball"
    return tarball if tarball.is_dir() and not tarball.is_symlink() else automation.directory


def _places(automations_path: str | None) -> tuple[str, ...]:
    if not automations_path:
        return DEFAULT_PLACES
    path = PurePosixPath(automations_path)
    if path.is_absolute() or ".." in path.parts or "\0" in automations_path:
        raise Misconfigured(
            f"automations-path must be a path inside the repository, without '..', and {quote(path)} is not"
        )
    return (str(path),)


def _directories(root: Path, automations_path: str | None) -> list[Path]:
    """Every directory that is an automation, by its name."""
    below = [each for place in _places(automations_path) for each in _subdirectories(root, root / place)]
    there = [each for each in below if _is_regular(each / DEFINITION_NAME)]
    return sorted(there, key=lambda each: (each.name, each))


def _subdirectories(root: Path, place: Path) -> list[Path]:
    try:
        # A place that is a link, or lies below one, may lead out of the repository.
        if not place.resolve().is_relative_to(root.resolve()):
            return []
        return [each for each in place.iterdir() if each.is_dir() and not each.is_symlink()]
    except OSError:
        return []


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _read(root: Path, directory: Path) -> Found:
    file = directory / DEFINITION_NAME
    name = file.relative_to(root) if file.is_relative_to(root) else file
    slug = directory.name if directory.name not in {"", ".."} else directory.resolve().name
    return Found(slug, directory, name, _read_file(file, name.as_posix()))


def _read_file(file: Path, name: str) -> Reading:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        return read_definition(content.decode(), file=name)
    except OSError as error:
        return _unreadable(name, 1, f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        # Cut at the bound, the content may end inside a character: then the size is what is wrong.
        if len(content) > MAX_BYTES:
            return read_definition(content.decode(errors="replace"), file=name)
        return _unreadable(
            name, content[: error.start].count(b"\n") + 1, "the file is not UTF-8 text; save it so"
        )


def _unreadable(name: str, line: int, said: str) -> Reading:
    return Reading(None, (Problem(name, line, 1, Severity.ERROR, said),))


def _at_path(root: Path, given: str) -> Automation:
    path = root / given
    directory = path.parent if path.name == DEFINITION_NAME else path
    if not _is_regular(directory / DEFINITION_NAME):
        raise Misconfigured(
            f"there is no automation at {quote(given)}; give a directory with an {DEFINITION_NAME} in it (no link)"
        )
    return _read(root, directory).usable()


def _is_named(found: Found, name: str) -> bool:
    definition = found.reading.definition
    return definition is not None and definition.name.casefold() == name.casefold()


def _unknown(name: str, found: list[Found], places: tuple[str, ...]) -> str:
    where = " and ".join(places)
    if not found:
        return f"there is no automation {quote(name)}: none at all in {where}; each is a directory with an {DEFINITION_NAME}"
    slugs = sorted({each.slug for each in found})
    names = [each.reading.definition.name for each in found if each.reading.definition is not None]
    near = nearest(name, [*names, *slugs])
    meant = f"; did you mean {quote(near)}?" if near else "."
    return f"there is no automation {quote(name)} in {where}{meant} There are: {', '.join(slugs)}"
