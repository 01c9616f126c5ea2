"""Which backend the command line runs an automation on, and why. Pure."""

from automation.backends import BackendName
from automation.errors import Misconfigured
from automation.settings import AGENT_SERVER_URL, CLOUD_API_KEY, CLOUD_API_URL, Settings


def choose_backend(name: str | None, given: Settings) -> tuple[BackendName, str]:
    """The backend that is asked for, or the one that the settings allow, and why."""
    if name is not None:
        _refuse(BackendName(name), given)
        return BackendName(name), "as --backend says"
    if given.is_agent_server_mode:
        return BackendName.AGENT_SERVER, "because its address is given"
    if given.is_cloud_mode:
        return (
            BackendName.CLOUD,
            f"because {CLOUD_API_KEY if given.cloud_api_key else CLOUD_API_URL} is given",
        )
    return BackendName.EMBEDDED, "because no other one is given"


def _refuse(name: BackendName, given: Settings) -> None:
    """Raise if the backend that is asked for is none with these settings."""
    if name is BackendName.AGENT_SERVER and not given.is_agent_server_mode:
        raise Misconfigured(f"--backend agent-server needs --agent-server-url or {AGENT_SERVER_URL}")
    if name is BackendName.CLOUD and given.is_agent_server_mode:
        raise Misconfigured(
            f"--backend cloud and an agent-server (--agent-server-url or {AGENT_SERVER_URL}) are both given: "
            "where an agent-server is given, no sandbox is made; leave one of them out"
        )
    if name is BackendName.CLOUD and not given.is_cloud_mode:
        raise Misconfigured(
            f"--backend cloud needs {CLOUD_API_KEY}, or for an app server without a key --cloud-api-url"
        )
