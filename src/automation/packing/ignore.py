"""`.automationignore`: gitignore's language, by git's own rules.

The patterns are compiled by `pathspec`; which of them decides is found here as git does it: the last pattern
that matches the path itself wins, and what lies in an ignored directory stays ignored whatever comes later.
Source: https://git-scm.com/docs/gitignore#_pattern_format
"""

from dataclasses import dataclass, field
from typing import Any, Self

from pathspec import GitIgnoreSpec

from automation.errors import Misconfigured

ALWAYS_IGNORED = frozenset({".git", "__pycache__", ".DS_Store"})
"""Names that are never packed, at any depth. No pattern brings them back."""


@dataclass(frozen=True)
class _Rule:
    pattern: Any
    by_name: bool
    directories_only: bool
    everything_below: bool

    def decides(self, path: str, *, is_directory: bool) -> bool:
        if self.directories_only and not is_directory:
            return False
        above, _, name = path.rpartition("/")
        subject = name if self.by_name else path
        if not self._matches(subject + "/" if is_directory else subject):
            return False
        # Compiled patterns also match what is below a match; for git only the path itself counts.
        return self.by_name or self.everything_below or not (above and self._matches(above + "/"))

    def _matches(self, subject: str) -> bool:
        return self.pattern.match_file(subject) is not None


@dataclass(frozen=True)
class Ignore:
    """A parsed `.automationignore`; without rules it still knows `ALWAYS_IGNORED`."""

    rules: tuple[_Rule, ...] = ()
    _directories: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of an ignore file.

        Raises:
            Misconfigured: a pattern that gitignore's language does not have; names the line.
        """
        lines = text.splitlines()
        rules = (_rule(line, number) for number, line in enumerate(lines, start=1))
        return cls(tuple(rule for rule in rules if rule is not None))

    def excludes(self, path: str, *, is_directory: bool = False) -> bool:
        """Whether a path, relative to the bundle's root, is left out."""
        above, _, name = path.rpartition("/")
        if name in ALWAYS_IGNORED or (above and self._excludes_directory(above)):
            return True
        for rule in reversed(self.rules):
            if rule.decides(path, is_directory=is_directory):
                return bool(rule.pattern.include)
        return False

    def _excludes_directory(self, path: str) -> bool:
        if path not in self._directories:
            self._directories[path] = self.excludes(path, is_directory=True)
        return self._directories[path]


def _rule(line: str, number: int) -> _Rule | None:
    try:
        compiled = list(GitIgnoreSpec.from_lines([line]).patterns)
    except ValueError:
        raise Misconfigured(
            f".automationignore, line {number}: {line!r} is not a gitignore pattern; correct or remove it"
        ) from None
    if not compiled or compiled[0].include is None:
        return None
    text = line.rstrip().removeprefix("!")
    return _Rule(
        pattern=compiled[0],
        by_name="/" not in text.removesuffix("/"),
        directories_only=text.endswith("/"),
        everything_below=text.endswith("/**"),
    )
