"""What can go wrong with GitHub: it cannot be reached, or it says no.

AutomationError
└── GitHubUnavailable       no answer, a server's error, a rate limit: worth another try
    ├── GitHubRefuses       it answers, and the answer is no: another try will not help
    └── GitHubNotAsked      it was not even asked: its limits are near, and what is left is for what matters more
"""

from automation.errors import AutomationError
from automation.reasons import Reason


class GitHubUnavailable(AutomationError):
    """GitHub did not answer, or not now.

    Attributes:
        wait: seconds that GitHub asks to be left alone for; None if it did not say.
    """

    reason = Reason.GITHUB_LOST

    def __init__(self, sentence: str, *, wait: float | None = None, reason: Reason | None = None) -> None:
        super().__init__(sentence, reason=reason)
        self.wait = wait


class GitHubRefuses(GitHubUnavailable):
    """GitHub understood, and will not: a permission, a name or a key has to be put right.

    Attributes:
        status: of the HTTP answer.
    """

    reason = Reason.BAD_CONFIG

    def __init__(self, sentence: str, *, status: int = 0, reason: Reason | None = None) -> None:
        super().__init__(sentence, reason=reason)
        self.status = status


class GitHubNotAsked(GitHubUnavailable):
    """The request was not made, for GitHub's limits; `wait` says when it can be."""
