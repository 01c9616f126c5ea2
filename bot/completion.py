"""What a run reports by its callback. Pure."""

from dataclasses import dataclass
from typing import Any

from automation.sentences import one_line

LONGEST_ERROR = 1000
STATUSES = ("COMPLETED", "FAILED")


@dataclass(frozen=True)
class Completion:
    """What a run has said.

    Attributes:
        error: in one line, empty for none.
    """

    has_failed: bool
    error: str = ""

    @classmethod
    def read(cls, document: Any) -> "Completion | None":
        """From the body; None if it is none."""
        if not isinstance(document, dict) or document.get("status") not in STATUSES:
            return None
        return cls(document["status"] == "FAILED", _sentence(document.get("error")))


def _sentence(error: Any) -> str:
    """Both senders' errors: plain text, or an event with a code and a detail."""
    if isinstance(error, dict):
        words = [str(error.get(name) or "") for name in ("code", "detail")]
        error = ": ".join(word for word in words if word) or "no detail"
    return one_line(str(error), LONGEST_ERROR) if error else ""
