"""Faults that a test puts into the fake: errors, lost answers, delays."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.answers import DOCUMENTATION, JSON, Answer

MAX_DELAY = 60.0
MESSAGES = {500: "Server Error", 502: "Server Error", 503: "Service unavailable", 504: "Gateway Timeout"}


@dataclass
class Fault:
    """What happens to the next requests that fit.

    Attributes:
        status: of the answer; None leaves the ordinary answer.
        times: how many requests; None for all.
        body: bytes or text as they are, all else as JSON; None for GitHub's usual words.
        after_effect: whether the request does what it does before this is answered.
        delay: seconds until the answer. Without `after_effect` they pass before anything is done, and nothing
            is done if the client has gone by then.
        drop: the connection is closed without an answer.
        hits: how many requests it met.
    """

    method: str
    path: re.Pattern[str]
    status: int | None = None
    times: int | None = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    after_effect: bool = False
    delay: float = 0.0
    drop: bool = False
    hits: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.delay <= MAX_DELAY:
            raise ValueError(f"a delay is of 0 to {MAX_DELAY:g} s, not {self.delay}")

    @property
    def has_effect(self) -> bool:
        """Whether the request is handled at all."""
        return self.after_effect or not self.replaces

    @property
    def replaces(self) -> bool:
        """Whether the ordinary answer does not go out."""
        return self.drop or self.status is not None

    def answer(self) -> Answer:
        status = self.status or 500
        body = self.body
        if body is None:
            message = MESSAGES.get(status, "Refused by a fault of the test")
            body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        if isinstance(body, str):
            body = body.encode()
        return Answer(
            status, body, self.headers, "text/html; charset=utf-8" if isinstance(body, bytes) else JSON
        )


class Faults:
    """The faults that are there, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The oldest fault for a request; it counts as met."""
        with self._lock:
            for fault in self._faults:
                is_open = fault.times is None or fault.hits < fault.times
                if is_open and fault.method in {method, "*"} and fault.path.search(path):
                    fault.hits += 1
                    return fault
        return None
