"""What was asked of the fake and what it answered, for tests to look at."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Recorded:
    """One request; the rest is filled in when it is answered.

    Attributes:
        host: "api" or "codeload".
        path: decoded, without the query.
        headers: names in lower case.
        app: slug of the App by whose credential it came, also an expired one; an archive is its who was sent
            there. None for nobody's.
        template: the route that took it, as in GitHub's description; None if there is none.
        parameters: what the route found in the path.
        status: None while there is no answer, and for a connection that was dropped.
        answer: JSON where the answer is JSON, otherwise bytes.
        at: monotonic clock, when it arrived.
        is_over: whether nothing more happens with it.
        is_faulty: whether a fault of the test answered.
        violations: of GitHub's description, by this request or its answer.
    """

    method: str
    host: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)
    app: str | None = None
    template: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    answer: Any = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer_body: bytes = b""
    is_faulty: bool = False
    is_over: bool = False
    violations: list[str] = field(default_factory=list)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON; None for none."""
        return json.loads(self.body) if self.body else None

    def __str__(self) -> str:
        query = f"?{self.query_string}" if self.query_string else ""
        return f"{self.method} {self.path}{query} -> {self.status}"
