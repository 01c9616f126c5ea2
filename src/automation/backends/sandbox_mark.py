"""The mark in a sandbox that says whose it is: by it we delete ours, and nobody else's. Pure.

A run can write over the mark in its own sandbox, and copy what stands in it to wherever it likes. So a mark is sealed
with the account's key, for one sandbox: elsewhere, or with other words, it proves nothing.

The first mark stays: it is made by a shell that overwrites nothing, under a name that has the sandbox's id in it, since
sandboxes can share a disk. It holds no secret: the server keeps the text of each command.
"""

import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import scrypt
from shlex import quote
from typing import Final, Self

_DIRECTORY: Final = '"${OH_WORKSPACE_PATH:-$HOME/.openhands/workspaces}/automation-sandboxes"'
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MARK: Final = re.compile(r"[!-~]+( [!-~]+)*")
_PURPOSE: Final = b"automation-action: mark of a sandbox"
_KEPT: Final = "kept"
_USED: Final = "used"
LONGEST: Final = 1000


@dataclass(frozen=True)
class Mark:
    """What a mark says.

    Attributes:
        owner: whose the sandbox is, words with single spaces between them.
        is_kept: it is to stay after its run.
    """

    owner: str
    is_kept: bool = False

    def sealed(self, sandbox_id: str, account_key: str) -> str:
        """As it stands in this sandbox: one line."""
        words = f"{self.owner} {_KEPT if self.is_kept else _USED}"
        return f"{words} {_seal(words, sandbox_id, account_key)}"

    @classmethod
    def proved(cls, text: str | None, sandbox_id: str, account_key: str) -> Self | None:
        """The mark, if it was made for this sandbox with this key."""
        words, _, seal = (text or "").rpartition(" ")
        if not hmac.compare_digest(seal, _seal(words, sandbox_id, account_key)):
            return None
        owner, _, stays = words.rpartition(" ")
        return cls(owner, is_kept=stays == _KEPT)


def words_of(text: str) -> str:
    """The owner that a mark names, whether that is true or not."""
    return text.rsplit(" ", 2)[0]


def mark_command(sandbox_id: str, text: str) -> str:
    """Mark the sandbox, unless it is marked, and print its mark."""
    assert _MARK.fullmatch(text)  # noqa: S101
    assert len(text) <= LONGEST  # noqa: S101
    name = _name(sandbox_id)
    make = f"set -C; printf '%s\\n' {quote(text)} > {name}"
    return f"umask 077; mkdir -p {_DIRECTORY} && cd {_DIRECTORY} || exit 73; ({make}) 2>/dev/null; head -c {LONGEST} {name}"


def read_mark_command(sandbox_id: str) -> str:
    """Print the sandbox's mark, or nothing where it has none."""
    return f"head -c {LONGEST} {_DIRECTORY}/{_name(sandbox_id)} 2>/dev/null || true"


def parse_mark(answer: str) -> str:
    """The mark that was printed; empty for none, or for what is none of ours."""
    line = answer.removesuffix("\n")
    return line if _MARK.fullmatch(line) else ""


def _seal(words: str, sandbox_id: str, account_key: str) -> str:
    about = f"{sandbox_id}\0{words}".encode()
    return hmac.new(_sealing_key(account_key), about, "sha256").hexdigest()


@lru_cache
def _sealing_key(account_key: str) -> bytes:
    """Not the key itself: whoever reads a mark could try out what people choose as keys, half a million a second."""
    return scrypt(account_key.encode(), salt=_PURPOSE, n=2**14, r=8, p=1, dklen=32)


def _name(sandbox_id: str) -> str:
    assert _ID.fullmatch(sandbox_id)  # noqa: S101
    return quote(f"{sandbox_id}.owner")
