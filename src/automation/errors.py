"""Everything that can go wrong before there is a verdict, as a small tree.

    AutomationError             reason + the sentence that the user reads
    ├── Misconfigured           the user can mend it: file, setting, argument, key
    └── ServerUnavailable       the agent-server could not be reached or did not do its part
        ├── ServerRefuses       it answers, but not with what was asked for
        └── ServerLost          it stayed away for longer than we are patient (`run/patience.py`)

Each sentence names the thing, says what was expected and what to do. None carries a secret: values of
settings are never quoted, only their names.
"""

from automation.reasons import Reason


class AutomationError(Exception):
    """A failure with a reason for machines and a sentence for people."""

    reason: Reason

    def __init__(self, sentence: str, *, reason: Reason | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if reason is not None:
            self.reason = reason


class Misconfigured(AutomationError):
    """Something that the user wrote or set is wrong, and the sentence says what and where."""

    reason = Reason.BAD_CONFIG


class ServerUnavailable(AutomationError):
    """The agent-server stayed unreachable, or answered what an agent-server does not."""

    reason = Reason.SERVER_LOST


class ServerRefuses(ServerUnavailable):
    """A server that is known to work answers, but not with what was asked for."""
