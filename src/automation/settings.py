"""Settings from the environment, with the names that OpenHands' automation service gave them."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from automation.defaults import PATIENCE
from automation.errors import Misconfigured

AGENT_SERVER_URL = "AUTOMATION_AGENT_SERVER_URL"
AGENT_SERVER_API_KEY = "AUTOMATION_AGENT_SERVER_API_KEY"
FORK_AGENT_SERVER_URL = "AUTOMATION_FORK_AGENT_SERVER_URL"
FORK_AGENT_SERVER_API_KEY = "AUTOMATION_FORK_AGENT_SERVER_API_KEY"
PATIENCE_SECONDS = "AUTOMATION_PATIENCE"


@dataclass(frozen=True)
class Settings:
    """Which agent-server to use; an empty key is legal (an open server).

    Attributes:
        fork_agent_server_url: the server that is set aside for the code of forks, empty if there is none.
        patience: seconds that a lost server is borne.
    """

    agent_server_url: str = ""
    agent_server_api_key: str = field(default="", repr=False)
    fork_agent_server_url: str = ""
    fork_agent_server_api_key: str = field(default="", repr=False)
    patience: float = PATIENCE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the variables say.

        Raises:
            Misconfigured: a number that is none.
        """
        return cls(
            agent_server_url=environment.get(AGENT_SERVER_URL, "").strip(),
            agent_server_api_key=environment.get(AGENT_SERVER_API_KEY, "").strip(),
            fork_agent_server_url=environment.get(FORK_AGENT_SERVER_URL, "").strip(),
            fork_agent_server_api_key=environment.get(FORK_AGENT_SERVER_API_KEY, "").strip(),
            patience=_seconds(environment, PATIENCE_SECONDS, PATIENCE),
        )

    @property
    def is_agent_server_mode(self) -> bool:
        return bool(self.agent_server_url)


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
