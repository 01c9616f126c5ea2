"""Settings from the environment, with the names that OpenHands' automation service gave them."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from automation.cloud.account import CloudAccount, CloudAuth, account_of
from automation.defaults import PATIENCE
from automation.errors import Misconfigured

AGENT_SERVER_URL = "AUTOMATION_AGENT_SERVER_URL"
AGENT_SERVER_API_KEY = "AUTOMATION_AGENT_SERVER_API_KEY"
FORK_AGENT_SERVER_URL = "AUTOMATION_FORK_AGENT_SERVER_URL"
FORK_AGENT_SERVER_API_KEY = "AUTOMATION_FORK_AGENT_SERVER_API_KEY"
CLOUD_API_URL = "AUTOMATION_CLOUD_API_URL"
CLOUD_API_KEY = "OPENHANDS_API_KEY"
CLOUD_AUTH = "AUTOMATION_CLOUD_AUTH"
CLOUD_SANDBOX_SPEC = "AUTOMATION_CLOUD_SANDBOX_SPEC"
CLOUD_DEDICATED = "AUTOMATION_CLOUD_DEDICATED"
PATIENCE_SECONDS = "AUTOMATION_PATIENCE"
_WORDS = {"": False, "false": False, "no": False, "0": False, "true": True, "yes": True, "1": True}


@dataclass(frozen=True)
class Settings:
    """Which agent-server to use, or which Cloud; an empty key is legal (an open server).

    Attributes:
        cloud_api_url: empty for the public one.
        cloud_spec: the kind of sandbox, empty for the Cloud's own choice.
        is_cloud_dedicated: nothing else makes sandboxes in that account.
        fork_agent_server_url: the server that is set aside for the code of forks, empty if there is none.
        patience: seconds that a lost server is borne.
    """

    agent_server_url: str = ""
    agent_server_api_key: str = field(default="", repr=False)
    fork_agent_server_url: str = ""
    fork_agent_server_api_key: str = field(default="", repr=False)
    cloud_api_url: str = ""
    cloud_api_key: str = field(default="", repr=False)
    cloud_auth: CloudAuth = CloudAuth.BEARER
    cloud_spec: str = ""
    is_cloud_dedicated: bool = False
    patience: float = PATIENCE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the variables say.

        Raises:
            Misconfigured: a number that is none, a word that is not known.
        """
        return cls(
            agent_server_url=environment.get(AGENT_SERVER_URL, "").strip(),
            agent_server_api_key=environment.get(AGENT_SERVER_API_KEY, "").strip(),
            fork_agent_server_url=environment.get(FORK_AGENT_SERVER_URL, "").strip(),
            fork_agent_server_api_key=environment.get(FORK_AGENT_SERVER_API_KEY, "").strip(),
            cloud_api_url=environment.get(CLOUD_API_URL, "").strip(),
            cloud_api_key=environment.get(CLOUD_API_KEY, "").strip(),
            cloud_auth=_auth(environment),
            cloud_spec=environment.get(CLOUD_SANDBOX_SPEC, "").strip(),
            is_cloud_dedicated=_is_true(environment, CLOUD_DEDICATED),
            patience=_seconds(environment, PATIENCE_SECONDS, PATIENCE),
        )

    @property
    def is_agent_server_mode(self) -> bool:
        return bool(self.agent_server_url)

    @property
    def is_cloud_mode(self) -> bool:
        """Whether a Cloud is given, and no agent-server, which comes first."""
        return not self.is_agent_server_mode and bool(self.cloud_api_url or self.cloud_api_key)

    def cloud_account(self) -> CloudAccount:
        """Whose sandboxes are made.

        Raises:
            Misconfigured: the address cannot be one, or the key is none.
        """
        return account_of(
            self.cloud_api_url,
            self.cloud_api_key,
            self.cloud_auth,
            spec=self.cloud_spec,
            is_dedicated=self.is_cloud_dedicated,
        )


def _auth(environment: Mapping[str, str]) -> CloudAuth:
    word = environment.get(CLOUD_AUTH, "").strip().lower() or CloudAuth.BEARER
    if word not in set(CloudAuth):
        raise Misconfigured(f"{CLOUD_AUTH} is not known: expected {' or '.join(CloudAuth)}")
    return CloudAuth(word)


def _is_true(environment: Mapping[str, str], name: str) -> bool:
    word = environment.get(name, "").strip().lower()
    if word not in _WORDS:
        raise Misconfigured(f"{name} is neither true nor false")
    return _WORDS[word]


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise Misconfigured(f"{name} is no number of seconds, 0 or more")
    return seconds
