"""`check_suite`: somebody pressed *Re-run all checks*. Pure.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite
"""

from dataclasses import dataclass
from typing import Self

from bot.events.fields import at, commit, number
from bot.events.origin import Origin


@dataclass(frozen=True)
class SuiteRerequested:
    """*Re-run* of all that one App has on a commit.

    Attributes:
        app_id: of that App.
    """

    origin: Origin
    head_sha: str
    app_id: int

    @classmethod
    def read(cls, payload: object) -> Self | None:
        """The request; None for other actions, and for a payload that does not name commit and App."""
        origin, suite = Origin.read(payload), at(payload, "check_suite")
        head_sha, app_id = commit(at(suite, "head_sha")), number(at(suite, "app", "id"))
        if at(payload, "action") != "rerequested" or not (origin and head_sha and app_id):
            return None
        return cls(origin, head_sha, app_id)
