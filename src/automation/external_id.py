"""What a check run says of the run behind it: `face:instance:run id:attempt:deadline`. Pure.

Anyone who may write checks can write any text there. It is parsed strictly and serves to look something up;
whether it is true has to be shown by what is found.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

_FORM = re.compile(
    r"(?P<face>action|bot|cli):(?P<instance>[A-Za-z0-9-]{1,40}):"
    r"(?P<run>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?P<attempt>[1-9][0-9]{0,5}):(?P<deadline>[1-9][0-9]{0,11})"
)


class Face(StrEnum):
    """Which part of the product started a run."""

    ACTION = "action"
    BOT = "bot"
    CLI = "cli"


@dataclass(frozen=True)
class ExternalId:
    """The look-up keys of a run.

    Attributes:
        instance: of the face; for the Action, the id of the workflow run.
        attempt: of the workflow run, from 1.
        deadline: Unix time in seconds at which the run is over for certain.
    """

    face: Face
    instance: str
    run: UUID
    attempt: int
    deadline: int

    def __str__(self) -> str:
        return f"{self.face}:{self.instance}:{self.run}:{self.attempt}:{self.deadline}"

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """The keys, or None if this is not of our making."""
        found = _FORM.fullmatch(text or "")
        if not found:
            return None
        return cls(
            Face(found["face"]),
            found["instance"],
            UUID(found["run"]),
            int(found["attempt"]),
            int(found["deadline"]),
        )
