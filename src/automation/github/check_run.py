"""Check runs as plain data: as GitHub shows one, and as a new one is asked for.

Source: https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automation.external_id import ExternalId
from automation.github.answers import understood


@dataclass(frozen=True)
class CheckRun:
    """A check run as GitHub shows it.

    Attributes:
        app_id, app_slug: whose it is; `github-actions` for one made with a job's token.
        annotations: how many it has.
        summary: Markdown.
    """

    id: int
    name: str
    head_sha: str
    status: str
    external_id: str
    conclusion: str = ""
    url: str = ""
    app_id: int = 0
    app_slug: str = ""
    annotations: int = 0
    summary: str = ""

    @property
    def is_completed(self) -> bool:
        return self.status == "completed"

    @property
    def keys(self) -> ExternalId | None:
        return ExternalId.parse(self.external_id)

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "CheckRun":
        """From the API's answer.

        Raises:
            GitHubUnavailable: it is not of that form.
        """
        with understood("a check run"):
            app = answer.get("app") or {}
            output = answer.get("output") or {}
            return cls(
                id=int(answer["id"]),
                name=str(answer["name"]),
                head_sha=str(answer["head_sha"]),
                status=str(answer["status"]),
                external_id=str(answer.get("external_id") or ""),
                conclusion=str(answer.get("conclusion") or ""),
                url=str(answer.get("html_url") or ""),
                app_id=int(app.get("id") or 0),
                app_slug=str(app.get("slug") or ""),
                annotations=int(output.get("annotations_count") or 0),
                summary=str(output.get("summary") or ""),
            )


@dataclass(frozen=True)
class NewCheck:
    """What a check run is created with.

    Attributes:
        details_url: where "Details" leads; GitHub replaces it where a job's token is the writer.
        is_queued: it waits for its turn.
    """

    name: str
    head_sha: str
    external_id: str
    details_url: str
    is_queued: bool = False


@dataclass(frozen=True)
class Button:
    """What people can press on a completed check run; GitHub sends `check_run.requested_action`.

    Attributes:
        label: at most 20 characters; description: at most 40; identifier: at most 20.

    Source: https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks
    """

    label: str
    description: str
    identifier: str
