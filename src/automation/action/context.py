"""What GitHub tells a step of its surroundings: variables, and the event's file.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation.errors import Misconfigured

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_SHA = re.compile(r"[0-9a-f]{40}")
MAX_EVENT = 32 * 1024 * 1024


@dataclass(frozen=True)
class Context:
    """The workflow run that we are a step of.

    Attributes:
        event: the webhook's payload.
        sha: `GITHUB_SHA`: for `pull_request` that of the merge commit.
        run_id, attempt: of the workflow run.
        job: the job's id in the workflow file.
        workspace: where `actions/checkout` puts the repository.
        temporary: what is removed with the job, None for the system's.
        output_file, summary_file: where outputs and the step summary are written; None outside of a step.
    """

    repository: str
    event_name: str = ""
    event: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sha: str = ""
    ref: str = ""
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    run_id: str = "0"
    attempt: int = 1
    job: str = ""
    workspace: Path = Path()
    temporary: Path | None = None
    output_file: Path | None = None
    summary_file: Path | None = None

    @property
    def run_url(self) -> str:
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"


def read_context(environment: Mapping[str, str]) -> Context:
    """The context of this step.

    Raises:
        Misconfigured: this is no step of a workflow, or the event cannot be read.
    """
    repository = environment.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise Misconfigured(
            "GITHUB_REPOSITORY does not name a repository: this command is a step of a GitHub workflow; "
            "elsewhere use `automation run`"
        )
    sha = environment.get("GITHUB_SHA", "").lower()
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "")
    run_id = environment.get("GITHUB_RUN_ID", "")
    return Context(
        repository=repository,
        event_name=environment.get("GITHUB_EVENT_NAME", ""),
        event=_event(environment.get("GITHUB_EVENT_PATH", "")),
        sha=sha if _SHA.fullmatch(sha) else "",
        ref=environment.get("GITHUB_REF", ""),
        api_url=_url(environment, "GITHUB_API_URL", Context.api_url),
        server_url=_url(environment, "GITHUB_SERVER_URL", Context.server_url),
        run_id=run_id if _NUMBER.fullmatch(run_id) else "0",
        attempt=int(attempt) if _NUMBER.fullmatch(attempt) else 1,
        job=environment.get("GITHUB_JOB", ""),
        workspace=Path(environment.get("GITHUB_WORKSPACE") or "."),
        temporary=_file(environment, "RUNNER_TEMP"),
        output_file=_file(environment, "GITHUB_OUTPUT"),
        summary_file=_file(environment, "GITHUB_STEP_SUMMARY"),
    )


def _event(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(MAX_EVENT))
    except OSError as error:
        raise Misconfigured(
            f"the event's file (GITHUB_EVENT_PATH) cannot be read: {error.strerror}"
        ) from None
    except (ValueError, RecursionError):
        raise Misconfigured("the event's file (GITHUB_EVENT_PATH) is not JSON") from None
    if not isinstance(event, dict):
        raise Misconfigured("the event's file (GITHUB_EVENT_PATH) is not a JSON object")
    return event


def _url(environment: Mapping[str, str], name: str, default: str) -> str:
    url = environment.get(name, "").rstrip("/") or default
    if not url.startswith(("https://", "http://")):
        raise Misconfigured(f"{name} is not an http or https address")
    return url


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None
