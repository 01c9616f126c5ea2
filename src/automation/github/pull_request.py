"""A pull request as the API and the events show it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automation.github.answers import understood


@dataclass(frozen=True)
class PullRequest:
    """What a run needs to know of one.

    Attributes:
        head_repository: `owner/name`, empty where the fork has been deleted.
        base_sha: the base branch as it was when the pull request was last brought up to date.
    """

    number: int
    is_open: bool
    head_sha: str
    head_ref: str
    head_repository: str
    base_sha: str
    base_ref: str
    base_repository: str

    @property
    def is_from_fork(self) -> bool:
        """Whether the code is somebody else's; a repository that is gone counts as such."""
        return self.head_repository.casefold() != self.base_repository.casefold() or not self.head_repository

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "PullRequest":
        """From the JSON of the API or of an event.

        Raises:
            GitHubUnavailable: it is not of that form.
        """
        with understood("a pull request"):
            head, base = document["head"], document["base"]
            return cls(
                number=int(document["number"]),
                is_open=document["state"] == "open",
                head_sha=str(head["sha"]),
                head_ref=str(head.get("ref") or ""),
                head_repository=str((head.get("repo") or {}).get("full_name") or ""),
                base_sha=str(base.get("sha") or ""),
                base_ref=str(base.get("ref") or ""),
                base_repository=str((base.get("repo") or {}).get("full_name") or ""),
            )
