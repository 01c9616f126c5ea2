"""Whose sandboxes: the address of the Cloud API, the key, and how the key is shown. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from automation.connection import checked_key, checked_url

PUBLIC_URL: Final = "https://app.all-hands.dev"
"""OpenHands Cloud. Source: `OPENHANDS_CLOUD_API_URL` of the OpenHands SDK's examples."""


class CloudAuth(StrEnum):
    """The words of AUTOMATION_CLOUD_AUTH: what OpenHands Cloud wants, and what an app server with SESSION_API_KEY does."""

    BEARER = "bearer"
    SESSION_KEY = "session-key"


@dataclass(frozen=True)
class CloudAccount:
    """An account of a Cloud API.

    Attributes:
        url: base URL without a trailing slash.
        key: empty for a server that asks for none.
        spec: the kind of sandbox, `sandbox_spec_id`; empty for the server's own choice.
        is_dedicated: nothing but this software makes sandboxes there, so that one that nobody has marked is ours.
    """

    url: str = PUBLIC_URL
    key: str = field(default="", repr=False)
    auth: CloudAuth = CloudAuth.BEARER
    spec: str = ""
    is_dedicated: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Authentication; an app server refuses the one that it does not want, so it gets only the other."""
        if not self.key:
            return {}
        match self.auth:
            case CloudAuth.BEARER:
                return {"Authorization": f"Bearer {self.key}"}
            case CloudAuth.SESSION_KEY:
                return {"X-Session-API-Key": self.key}


def account_of(
    url: str,
    key: str,
    auth: CloudAuth = CloudAuth.BEARER,
    *,
    spec: str = "",
    is_dedicated: bool = False,
) -> CloudAccount:
    """An account from settings; the public Cloud where no address is given.

    Raises:
        Misconfigured: not an http(s) URL of a host, or a key that no header can carry.
    """
    return CloudAccount(
        checked_url(url or PUBLIC_URL, "Cloud API URL", "OPENHANDS_API_KEY", PUBLIC_URL),
        checked_key(key, "Cloud API key", "OPENHANDS_API_KEY"),
        auth,
        spec,
        is_dedicated,
    )
