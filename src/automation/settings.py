"""Settings from the environment, with the names that OpenHands' automation service gave them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

AGENT_SERVER_URL = "AUTOMATION_AGENT_SERVER_URL"
AGENT_SERVER_API_KEY = "AUTOMATION_AGENT_SERVER_API_KEY"


@dataclass(frozen=True)
class Settings:
    """Which agent-server to use; an empty key is legal (an open server)."""

    agent_server_url: str = ""
    agent_server_api_key: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        return cls(
            agent_server_url=environment.get(AGENT_SERVER_URL, "").strip(),
            agent_server_api_key=environment.get(AGENT_SERVER_API_KEY, "").strip(),
        )

    @property
    def is_agent_server_mode(self) -> bool:
        return bool(self.agent_server_url)
