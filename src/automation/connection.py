"""The seam between backends and everything after them: one reachable agent-server for one run."""

from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from automation.errors import Misconfigured


@dataclass(frozen=True)
class AgentConnection:
    """A reachable agent-server.

    Attributes:
        url: base URL without a trailing slash.
        session_key: sent as `X-Session-API-Key`; empty for an open server. Never shown.
        sandbox_id: the Cloud sandbox that the server lives in, None where it outlives the run.
    """

    url: str
    session_key: str = field(default="", repr=False)
    sandbox_id: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Authentication as the agent-server wants it (`Authorization: Bearer` is refused)."""
        return {"X-Session-API-Key": self.session_key} if self.session_key else {}

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


def connect_to(url: str, session_key: str = "") -> AgentConnection:
    """A connection from settings.

    Raises:
        Misconfigured: not an http(s) URL of a host, or one that carries credentials, a query or a fragment.
    """
    url = url.strip().rstrip("/")
    hint = "expected something like http://127.0.0.1:8000"
    if not all("!" <= character <= "~" for character in url):
        raise Misconfigured(f"the agent-server URL has spaces or characters that no URL has; {hint}")
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise Misconfigured(f"the agent-server URL cannot be read; {hint}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise Misconfigured(f"the agent-server URL is not an http or https address; {hint}")
    if "@" in parts.netloc:
        raise Misconfigured(
            "the agent-server URL carries credentials; give the key separately, "
            "as AUTOMATION_AGENT_SERVER_API_KEY"
        )
    if _is_never_a_server(parts.hostname):
        raise Misconfigured(
            "the agent-server URL is a link-local or multicast address, where machines keep their metadata and no "
            f"agent-server is; {hint}"
        )
    if "?" in url or "#" in url:
        raise Misconfigured(f"the agent-server URL has a query or a fragment; {hint}")
    if not all("!" <= character <= "~" for character in session_key):
        raise Misconfigured(
            "the agent-server key has spaces, line breaks or characters that no HTTP header can carry; "
            "check AUTOMATION_AGENT_SERVER_API_KEY"
        )
    return AgentConnection(parts.scheme + url[len(parts.scheme) :], session_key)


def _is_never_a_server(host: str) -> bool:
    """Whether a literal address is one where a cloud answers with its machine's credentials, or nobody does."""
    try:
        address = ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_link_local or address.is_multicast
