"""Things that happen and that GitHub tells Apps about.

Whoever changes something says so to its world; who is told, and in which words, is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.github.apps import App
    from tests.fakes.github.checks import CheckRun, Suite
    from tests.fakes.github.comments import Comment
    from tests.fakes.github.installations import Installation
    from tests.fakes.github.issues import Issue
    from tests.fakes.github.place import Place
    from tests.fakes.github.pulls import Pull

    type Subject = CheckRun | Suite | Comment | Issue | Pull | Push | Release | MergeGroup | Installation


@dataclass(frozen=True)
class Push:
    """New commits on a branch.

    Attributes:
        before: 40 zeros for a branch that is new.
    """

    branch: str
    before: str
    after: str


@dataclass(frozen=True)
class Release:
    id: int
    tag: str
    author: str
    at: str
    title: str = ""
    body: str = ""
    is_draft: bool = False
    is_prerelease: bool = False


@dataclass(frozen=True)
class MergeGroup:
    """Commits that a merge queue wants checked before they get into the base."""

    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


@dataclass(frozen=True)
class Happening:
    """Something that happened.

    Attributes:
        event: as in `X-GitHub-Event`.
        action: as in the payload; None for a push.
        by: login of who did it.
        home: the repository where; None for what happens to an installation.
        details: what else the payload has.
        only: the one App that is told; None for all that may know.
    """

    event: str
    action: str | None
    subject: "Subject"
    by: str
    home: "Place | None" = None
    details: Mapping[str, Any] = field(default_factory=dict)
    only: "App | None" = None
