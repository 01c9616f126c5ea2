"""The seam between backends and everything after them: one reachable agent-server for one run."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from automation.errors import Misconfigured

LONGEST: Final = 2000
_DOTTED: Final = re.compile(r"\d+(\.\d+){3}")
AGENT_SERVER_EXAMPLE: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class AgentConnection:
    """A reachable agent-server.

    Attributes:
        url: base URL without a trailing slash.
        session_key: sent as `X-Session-API-Key`; empty for an open server. Never shown.
        sandbox_id: the Cloud sandbox that the server lives in, None where it outlives the run.
        cloud_api_url, cloud_api_key: of the Cloud API that made the sandbox.
        renewal: asks where the server is now and by which key, for a sandbox can be moved. None where it stays.
    """

    url: str
    session_key: str = field(default="", repr=False)
    sandbox_id: str | None = None
    cloud_api_url: str = ""
    cloud_api_key: str = field(default="", repr=False)
    renewal: "Renewal | None" = field(default=None, repr=False, compare=False)

    @property
    def headers(self) -> dict[str, str]:
        """Authentication as the agent-server wants it (`Authorization: Bearer` is refused)."""
        return {"X-Session-API-Key": self.session_key} if self.session_key else {}

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")

    @property
    def keys(self) -> dict[str, str]:
        """What opens the server and the Cloud, by the names under which a run may be given it."""
        known = {
            "SESSION_API_KEY": self.session_key,
            "OH_SESSION_API_KEYS_0": self.session_key,
            "OPENHANDS_API_KEY": self.cloud_api_key,
        }
        return {name: value for name, value in known.items() if value}

    @property
    def uses_proxies(self) -> bool:
        """Whether the environment's proxies stand between us and it: a sandbox is on the internet, behind https."""
        return self.sandbox_id is not None and self.url.startswith("https:")


type Renewal = Callable[[], Awaitable[AgentConnection]]
"""Raises `ServerUnavailable` if it cannot be told now, `ServerLost` if the server will not come back."""


def connect_to(url: str, session_key: str = "") -> AgentConnection:
    """A connection from settings.

    Raises:
        Misconfigured: not an http(s) URL of a host, or one that carries credentials, a query or a fragment.
    """
    checked = checked_url(url, "agent-server URL", "AUTOMATION_AGENT_SERVER_API_KEY", AGENT_SERVER_EXAMPLE)
    return AgentConnection(
        checked, checked_key(session_key, "agent-server key", "AUTOMATION_AGENT_SERVER_API_KEY")
    )


def checked_url(url: str, what: str, key_name: str, example: str) -> str:
    """The address of a server without a trailing slash.

    Args:
        what: the address in words; key_name: the variable that its key belongs in.

    Raises:
        Misconfigured: not an http(s) URL of a host, or one that carries credentials, a query or a fragment.
    """
    url = url.strip().rstrip("/")
    hint = f"expected something like {example}"
    if not all("!" <= character <= "~" for character in url):
        raise Misconfigured(f"the {what} has spaces or characters that no URL has; {hint}")
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
        is_readable = len(url) <= LONGEST and not (
            parts.hostname and _DOTTED.fullmatch(parts.hostname) and not _is_address(parts.hostname)
        )
    except ValueError:
        is_readable = False
    if not is_readable:
        raise Misconfigured(f"the {what} cannot be read; {hint}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise Misconfigured(f"the {what} is not an http or https address; {hint}")
    if "@" in parts.netloc:
        raise Misconfigured(f"the {what} carries credentials; give the key separately, as {key_name}")
    if _is_never_a_server(parts.hostname):
        raise Misconfigured(
            f"the {what} is a link-local or multicast address, where machines keep their metadata and no such "
            f"server is; {hint}"
        )
    if "?" in url or "#" in url:
        raise Misconfigured(f"the {what} has a query or a fragment; {hint}")
    return parts.scheme + url[len(parts.scheme) :]


def checked_key(key: str, what: str, name: str) -> str:
    """A key that an HTTP header can carry.

    Raises:
        Misconfigured: it has what no header has; the key is not quoted.
    """
    if not all("!" <= character <= "~" for character in key):
        raise Misconfigured(
            f"the {what} has spaces, line breaks or characters that no HTTP header can carry; check {name}"
        )
    return key


def _is_never_a_server(host: str) -> bool:
    """Whether a literal address is one where a cloud answers with its machine's credentials, or nobody does."""
    try:
        address = ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        number = _number_of(host)
        if number is None:
            return False
        address = ip_address(number)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_link_local or address.is_multicast


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _number_of(host: str) -> bytes | None:
    """The address that a resolver takes such a host for: 2852039166 and 0xa9.0xfea9fe are 169.254.169.254, too.

    Source: `inet_aton(3)`.
    """
    parts = host.split(".")
    try:
        *first, last = [
            int(part, 0 if part[:2].lower() == "0x" else 8 if part[:1] == "0" else 10) for part in parts
        ]
        return bytes(first) + last.to_bytes(4 - len(first), "big")
    except (ValueError, OverflowError):
        return None
