"""How a command on the server ended, in the server's own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class CommandRecord:
    """The server's own record of a command that has ended (`BashOutput`).

    Attributes:
        exit_code: 0..255 from the shell; -15 or -9 killed; -1 time-out or never started.
        stdout: of the last chunk only; our commands print little.
    """

    command_id: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self | None:
        """The record in a `BashOutput` event, None if the command has not ended with it."""
        if event.get("kind") != "BashOutput" or not isinstance(event.get("exit_code"), int):
            return None
        said = {name: event.get(name) for name in ("stdout", "stderr")}
        return cls(
            command_id=str(event.get("command_id")),
            exit_code=event["exit_code"],
            **{name: text if isinstance(text, str) else "" for name, text in said.items()},
        )
