"""A command to the bot, and a mistake in one: plain data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

COMMAND: Final = "/run-automation"


class Verb(StrEnum):
    """What the bot is told to do."""

    RUN = "run"
    HELP = "help"
    LIST = "list"
    STATUS = "status"
    CANCEL = "cancel"
    RETRY = "retry"
    APPROVE = "approve"
    WHY = "why"


@dataclass(frozen=True)
class Command:
    """A command that is well formed; whether what it names exists is not known here.

    Attributes:
        name: of an automation, a run's id, or `all` for `cancel`; empty where nothing is named.
        arguments: values by key, as they were written.
        sha: 40 hexadecimal digits in lower case, empty where none is given.
    """

    verb: Verb
    name: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    sha: str = ""


@dataclass(frozen=True)
class Mistake:
    """Why a comment that begins a command is none.

    Attributes:
        sentence: what is wrong, in one line of Markdown that shows foreign words but lets them do nothing.
        hint: what to write instead, likewise; empty where the sentence says it.
    """

    sentence: str
    hint: str = ""
