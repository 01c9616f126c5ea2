"""Which backend a step runs its automation on, and where it must not be this runner. Pure."""

from typing import Final

from automation.action.inputs import Inputs
from automation.backends import BackendName
from automation.errors import Misconfigured
from automation.settings import AGENT_SERVER_URL, CLOUD_API_KEY, CLOUD_API_URL, Settings

# Their workflows run with the repository's secrets, whoever caused them.
PRIVILEGED_EVENTS: Final = frozenset({"issue_comment", "pull_request_target", "workflow_run"})


def choose_backend(inputs: Inputs, given_by_environment: Settings) -> tuple[BackendName, str]:
    """Which backend a run gets, and why, as words for the log: "because agent-server-url is given".

    Raises:
        Misconfigured: nothing is given that one could run on.
    """
    if inputs.agent_server_url:
        where = "agent-server-url"
    else:
        where = AGENT_SERVER_URL if given_by_environment.is_agent_server_mode else ""
    if inputs.backend is BackendName.EMBEDDED:
        return BackendName.EMBEDDED, "because `backend: embedded` is given"
    cloud = _cloud(inputs, given_by_environment)
    if inputs.backend is BackendName.CLOUD:
        if where:
            raise Misconfigured(
                f"`backend: cloud` and {where} are both given: where an agent-server is given, no sandbox is made; "
                "leave one of them out"
            )
        if not cloud:
            raise Misconfigured(
                "backend: cloud needs openhands-api-key, and it is empty (a secret that the workflow cannot see is "
                "the usual cause), or for an app server without a key cloud-api-url"
            )
        return BackendName.CLOUD, f"because `backend: cloud` and {cloud} are given"
    if where:
        asked = f"`backend: {inputs.backend}` and {where} are" if inputs.backend else f"{where} is"
        return BackendName.AGENT_SERVER, f"because {asked} given"
    if inputs.backend:
        raise Misconfigured(
            "backend: agent-server needs agent-server-url, and it is empty: give the server's URL "
            "(an empty repository variable is the usual cause)"
        )
    if cloud:
        return BackendName.CLOUD, f"because {cloud} is given"
    raise Misconfigured(
        "nothing is given that the automation could run on: give agent-server-url and agent-server-api-key "
        "(an empty repository variable is the usual cause), openhands-api-key for a Cloud sandbox, or "
        "`backend: embedded` to run it on this runner"
    )


def _cloud(inputs: Inputs, given_by_environment: Settings) -> str:
    """What says that there is a Cloud; empty if nothing does."""
    found = {
        "openhands-api-key": inputs.openhands_api_key,
        "cloud-api-url": inputs.cloud_api_url,
        CLOUD_API_KEY: given_by_environment.cloud_api_key,
        CLOUD_API_URL: given_by_environment.cloud_api_url,
    }
    return next((name for name, value in found.items() if value), "")


def refuse_embedded(event_name: str, inputs: Inputs) -> None:
    """Keep an automation that would run on this runner away from what others could make it reach.

    Raises:
        Misconfigured: `backend: embedded` was asked for beside an App's private key, or where anybody's event starts
            a workflow that has the repository's secrets.
    """
    if inputs.backend is not BackendName.EMBEDDED:
        return
    instead = "run it on a server elsewhere (agent-server-url)"
    beside = "`backend: embedded` runs the automation on this runner, beside the job's secrets"
    if inputs.private_key:
        raise Misconfigured(
            f"{beside}, so private-key is not given to the same job: leave private-key out, or {instead}"
        )
    if event_name in PRIVILEGED_EVENTS:
        raise Misconfigured(
            f"{beside}, and anybody can cause {event_name}: {instead}, or use the event pull_request, "
            "which gives no secrets to forks"
        )
