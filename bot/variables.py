"""Variables of the environment as text of known kinds, and all that is wrong with them.

Blank is the same as absent. What is wrong is remembered and read as absent; no value is ever quoted. Reads a file
only where a variable names it.
"""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from automation.connection import connect_to
from automation.errors import Misconfigured

SHORTEST_SECRET: Final = 16
"""Characters; what is shorter can be guessed."""
LONGEST_KEY: Final = 64 * 1024
"""Bytes of a private key's file."""

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


class Variables:
    """The variables that settings are read from.

    Args:
        names: all that mean something; another one that is spelt alike is a slip.
        may_lack: names that need not be there, whoever needs them.

    Attributes:
        complaints: a sentence for each that is missing or wrong.
    """

    def __init__(
        self, environment: Mapping[str, str], names: Collection[str], may_lack: Collection[str] = ()
    ) -> None:
        self.environment = environment
        self.complaints: list[str] = []
        self._names = frozenset(names)
        self._may_lack = frozenset(may_lack)

    def text(self, name: str) -> str:
        return self.environment.get(name, "").strip()

    def needed(self, name: str, expected: str) -> str:
        """The text; its absence is a complaint."""
        value = self.text(name)
        if not value and name not in self._may_lack:
            near = get_close_matches(name, self.environment.keys() - self._names, n=1, cutoff=0.9)
            meant = f" ({near[0]} is; is that a slip?)" if near else ""
            self.refuse(name, f"is not set{meant}; expected {expected}")
        return value

    def refuse(self, name: str, said: str) -> str:
        """Remember a complaint; the value is read as absent."""
        self.complaints.append(f"{name}: {said}")
        return ""

    def number(self, name: str, default: int) -> int:
        """A whole number, 1 or more."""
        return self._number(name, self.text(name), "a whole number, 1 or more") or default

    def needed_number(self, name: str, expected: str) -> int:
        """The same; 0 if it is not there."""
        return self._number(name, self.needed(name, expected), expected)

    def choice[T: StrEnum](self, name: str, default: T) -> T:
        """One of the words that the default is one of."""
        kinds = type(default)
        try:
            return kinds(self.text(name) or default)
        except ValueError:
            self.refuse(name, f"expected {' or '.join(kinds)}")
            return default

    def key(self, name: str) -> str:
        """A key that an HTTP header can carry."""
        value = self.text(name)
        if not all("!" <= character <= "~" for character in value):
            return self.refuse(name, "expected no spaces, line breaks or characters beyond ASCII in it")
        return value

    def secret(self, name: str) -> str:
        """A key that nobody guesses."""
        value = self.key(name)
        if value and len(value) < SHORTEST_SECRET:
            return self.refuse(name, f"expected at least {SHORTEST_SECRET} characters, and it is shorter")
        return value

    def needed_secret(self, name: str) -> str:
        self.needed(name, f"at least {SHORTEST_SECRET} characters, such as `openssl rand -hex 32` prints")
        return self.secret(name)

    def url(self, name: str, *, default: str = "") -> str:
        """An address without a trailing slash: https, or http where it does not leave this machine."""
        expected = "an https URL (http only on this machine), such as https://bot.example.com"
        value = (self.text(name) or default or self.needed(name, expected)).rstrip("/")
        if not value or _is_url(value):
            return value
        self.refuse(name, f"expected {expected}, without credentials, query or fragment")
        return default

    def server_url(self, name: str) -> str:
        """An agent-server's address."""
        value = self.text(name)
        try:
            return connect_to(value).url if value else ""
        except Misconfigured as error:
            return self.refuse(name, error.sentence)

    def private_key(self, name: str, path_name: str) -> str:
        """An RSA key in PEM, from a variable or from the file that another one names."""
        text, path = self.text(name), self.text(path_name)
        if text and path:
            return self.refuse(name, f"expected it or {path_name}, and both are given")
        if not text and not path:
            return self.needed(name, f"the App's private key, or its file's path as {path_name}")
        if path:
            name = path_name
            try:
                with Path(path).open("rb") as file:
                    text = file.read(LONGEST_KEY).decode("ascii", "replace")
            except (OSError, ValueError) as error:
                return self.refuse(name, f"the file cannot be read ({_words(error)})")
        # As it is pasted: with the line breaks of another system, indented, or each of them as two characters.
        lines = text.replace("\\r", "").replace("\\n", "\n").splitlines()
        pem = "\n".join(line.strip() for line in lines if line.strip())
        if not _signs(pem):
            return self.refuse(
                name,
                "expected the App's private key as GitHub gave it: an RSA key in PEM, not encrypted, "
                "with its line breaks",
            )
        return pem

    def _number(self, name: str, value: str, expected: str) -> int:
        if value and not _NUMBER.fullmatch(value):
            self.refuse(name, f"expected {expected}")
            return 0
        return int(value or 0)


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_url(text: str) -> bool:
    if not all("!" <= character <= "~" for character in text) or "?" in text or "#" in text:
        return False
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not parts.hostname or not port_is_valid or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def _signs(pem: str) -> bool:
    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
