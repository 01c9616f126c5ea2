"""What can go wrong with a sandbox before there is a run in it.

CloudUnavailable   may pass: no connection, 5xx, too many requests
CloudRefuses       will not pass: wrong key, no Cloud API, an unknown kind of sandbox
SandboxFailed      a sandbox was made and did not come up; another one may
SandboxLimit       the account may not have another one now
"""

from automation.errors import AutomationError, Refused, ServerUnavailable
from automation.reasons import Reason


class CloudUnavailable(ServerUnavailable):
    """The Cloud API could not be reached, or did not do its part.

    Attributes:
        wait: seconds that it asks to be left alone for, None if it does not say.
        is_lost: the request may have had its effect all the same.
    """

    reason = Reason.SANDBOX_FAILED

    def __init__(self, sentence: str, *, wait: float | None = None, is_lost: bool = False) -> None:
        super().__init__(sentence)
        self.wait = wait
        self.is_lost = is_lost


class CloudRefuses(AutomationError):
    """It says no, and would say so again; the sentence says what to change.

    Attributes:
        is_lost: the request may have had its effect all the same.
    """

    reason = Reason.SANDBOX_FAILED

    def __init__(self, sentence: str, *, is_lost: bool = False) -> None:
        super().__init__(sentence)
        self.is_lost = is_lost


class SandboxFailed(ServerUnavailable):
    """A sandbox that did not come up, or was not what it has to be."""

    reason = Reason.SANDBOX_FAILED


class SandboxLimit(Refused):
    """The account's limit is reached; the sentence says which."""

    reason = Reason.SANDBOX_LIMIT
