"""What is secret in the database is sealed here, and keys for other purposes are derived here.

Every text is sealed together with what it is about, so that nobody who can write to the database can pass one
secret off as another. The first key seals, every key opens: a key is rotated by putting a new one first. What no key
opens is never guessed at; the error names the setting. Does no I/O.

Source: https://cryptography.io/en/latest/fernet/
"""

import json
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from automation.errors import Misconfigured

SECRET_KEY: Final = "BOT_SECRET_KEY"  # noqa: S105  # the setting's name
DERIVED_LENGTH: Final = 32


def new_key() -> str:
    """A random key for a vault."""
    return Fernet.generate_key().decode()


def is_key(text: str) -> bool:
    """Whether a vault can be opened with it: 32 bytes in URL-safe base64."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


class Vault:
    """Seals and opens with the keys of one installation.

    Args:
        keys: as `new_key` makes them; the first one seals, each of them opens.

    Raises:
        Misconfigured: there is none, or one is no key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(is_key(key) for key in keys):
            raise Misconfigured(
                f"{SECRET_KEY}: expected keys as `automation-bot new-key` prints them, with commas between them"
            )
        self._keys = tuple(keys)
        self._first = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} keys)"

    def seal(self, text: str, about: str) -> bytes:
        """The text, readable only by whoever has the key and says what it is about."""
        return self._fernet.encrypt(json.dumps({"about": about, "text": text}).encode())

    def open(self, token: bytes, about: str) -> str:
        """What was sealed.

        Raises:
            Misconfigured: no key opens it, or it was sealed about something else.
        """
        try:
            sealed = json.loads(self._fernet.decrypt(token))
        except InvalidToken:
            raise _closed(about) from None
        if sealed["about"] != about:
            raise Misconfigured(
                f"the database holds something else in the place of {about}; put back its last good copy"
            )
        return str(sealed["text"])

    def reseal(self, token: bytes) -> bytes:
        """The same secret under the first key, for when an older one is to go; the token itself if it is already.

        Raises:
            Misconfigured: no key opens it.
        """
        try:
            self._first.decrypt(token)
        except InvalidToken:
            try:
                return self._fernet.rotate(token)
            except InvalidToken:
                raise _closed("a secret") from None
        return token

    def derive(self, purpose: str) -> bytes:
        """32 bytes of the first key, for one purpose and no other: what is signed now."""
        return self.derive_all(purpose)[0]

    def derive_all(self, purpose: str) -> list[bytes]:
        """The same of every key, the first one first: what was signed before a rotation is still good."""
        return [_derived(key, purpose) for key in self._keys]


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), DERIVED_LENGTH, salt=None, info=f"automation-bot {purpose}".encode()).derive(
        key.encode()
    )


def _closed(about: str) -> Misconfigured:
    return Misconfigured(
        f"{SECRET_KEY}: none of its keys opens {about} in the database; "
        "add the key that it was sealed with at the end of the list, after a comma"
    )
