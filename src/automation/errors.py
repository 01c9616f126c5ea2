"""Everything that can go wrong before there is a verdict, as a small tree.

    AutomationError             reason + the sentence that the user reads
    ├── Misconfigured           the user can mend it: file, setting, argument, key
    ├── Refused                 somebody or something may not start this run; what would be allowed
    ├── NoRoom                  this machine takes no more files now (`room.py`)
    ├── GitHubUnavailable       GitHub could not be reached or says no (`github/errors.py`)
    └── ServerUnavailable       the agent-server could not be reached or did not do its part
        ├── ServerRefuses       it answers, but not with what was asked for
        └── ServerLost          it is not waited for any longer: patience is spent, or its sandbox is gone

Those of the Cloud API are in `cloud/errors.py`.

Each sentence names the thing, says what was expected and what to do. None carries a secret: values of
settings are never quoted, only their names.
"""

from dataclasses import dataclass

from automation.reasons import Reason


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from 1, and what is wrong there."""

    file: str
    line: int
    complaint: str


class AutomationError(Exception):
    """A failure with a reason for machines and a sentence for people."""

    reason: Reason

    def __init__(self, sentence: str, *, reason: Reason | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if reason is not None:
            self.reason = reason


class Misconfigured(AutomationError):
    """Something that the user wrote or set is wrong, and the sentence says what and where.

    Attributes:
        places: the lines to be mended, where it is lines of files.
    """

    reason = Reason.BAD_CONFIG

    def __init__(
        self, sentence: str, *, reason: Reason | None = None, places: tuple[Place, ...] = ()
    ) -> None:
        super().__init__(sentence, reason=reason)
        self.places = places


class Refused(AutomationError):
    """Everything is in order, but this run is not for this person, this commit or this server."""

    reason = Reason.NOT_ALLOWED


class NoRoom(AutomationError):
    """The machine that we are on takes no more files now, and may take them again; the sentence says where."""

    reason = Reason.INTERNAL_ERROR


class ServerUnavailable(AutomationError):
    """The agent-server stayed unreachable, or answered what an agent-server does not."""

    reason = Reason.SERVER_LOST


class ServerRefuses(ServerUnavailable):
    """A server that is known to work answers, but not with what was asked for."""


class ServerLost(ServerUnavailable):
    """The server is not waited for any longer; the sentence says what was tried, or why it will not come back."""
