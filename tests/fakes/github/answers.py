"""What the fake answers: a status with JSON or bytes. A refusal is raised, and is an answer, too.

Wording of refusals: where our notes name GitHub's sentence it is that one; elsewhere it is close to what
GitHub says and nobody may rely on it. The status is what counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Answer:
    """What goes back for one request.

    Attributes:
        body: bytes go out as they are, None means no body, all else becomes JSON.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON


class Refusal(Exception):
    """Ends the handling of a request with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def refusal(
    status: int,
    message: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    body: dict[str, Any] = {"message": message}
    if errors:
        body["errors"] = [dict(error) for error in errors]
    body |= {"documentation_url": DOCUMENTATION, "status": str(status)}
    return Refusal(Answer(status, body, headers or {}))


def not_found() -> Refusal:
    return refusal(404, "Not Found")


def invalid(detail: str) -> Refusal:
    """A body that is not what the documentation describes."""
    return refusal(422, f"Invalid request.\n\n{detail}")


def failed_validation(resource: str, field_name: str, message: str) -> Refusal:
    """A body of the right shape with a value that GitHub does not take."""
    error = {"resource": resource, "code": "custom", "field": field_name, "message": message}
    return refusal(422, "Validation Failed", errors=[error])


def no_commit(revision: str) -> Refusal:
    return refusal(422, f"No commit found for SHA: {revision}")
