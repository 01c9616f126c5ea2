"""Which command lines an automation may name.

The command is later read by a shell, so whatever a shell would interpret is refused rather than escaped.
Source: `validate_command_string` of OpenHands automation 1.25.0, whose rules these are, but
that `..` is refused in every word of the command, not only in its first.
"""

import re
from typing import Final

_SHELL_CHARACTER: Final = re.compile(r"[;&|`$(){}<>!\\\n\r]")
_PARENT_PART: Final = re.compile(r"""(^|[\s/='":])\.\.($|[\s/'":])""")
_NAMES: Final = {"\n": "a line break", "\r": "a carriage return"}


def check_command(command: str) -> str:
    """Give `command` back when it may be run.

    Raises:
        ValueError: it is blank, absolute, leaves the bundle, or holds a character that a shell interprets; the
            message is a predicate ("must not ...") for a sentence that begins with the key's name.
    """
    if not command.strip():
        raise ValueError(
            "must not be blank; give the command that starts the automation, such as 'bash main.sh'"
        )
    if command.startswith("/"):
        raise ValueError("must not begin with '/'; name a file of the automation, such as 'bash main.sh'")
    if _PARENT_PART.search(command):
        raise ValueError(
            "must not contain '..' as part of a path; files outside the automation are not there"
        )
    if found := _SHELL_CHARACTER.search(command):
        character = _NAMES.get(found[0], f"the character '{found[0]}'")
        raise ValueError(f"must not contain {character}; put shell code into a script and start that")
    if "\0" in command:
        raise ValueError("must not contain a NUL character")
    return command
