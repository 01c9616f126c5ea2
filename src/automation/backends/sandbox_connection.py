"""Where a sandbox is, and its key: when it is new, and again when it does not answer any more."""

from dataclasses import replace
from functools import partial

from automation.cloud import Cloud, CloudAccount, CloudRefuses, Sandbox, SandboxFailed, SandboxStatus
from automation.connection import AgentConnection, connect_to
from automation.errors import Misconfigured, ServerLost, ServerUnavailable


class SandboxGone(ServerLost):
    """The sandbox is not there any more, or has failed, and what ran in it with it."""


def connection_of(sandbox: Sandbox, account: CloudAccount) -> AgentConnection:
    """The connection to a sandbox that runs.

    Raises:
        SandboxFailed: its address is none.
    """
    if account.url.startswith("https:") and not sandbox.agent_server_url.startswith("https:"):
        raise SandboxFailed(f"the sandbox {sandbox.id} is not behind https, as the Cloud API is")
    try:
        connection = connect_to(sandbox.agent_server_url, sandbox.session_api_key or "")
    except Misconfigured as error:
        raise SandboxFailed(
            f"the sandbox {sandbox.id} is not where it is said to be: {error.sentence}"
        ) from None
    return renewable(connection, sandbox.id, account)


def renewable(connection: AgentConnection, sandbox_id: str, account: CloudAccount) -> AgentConnection:
    """The connection as one to a sandbox, which is asked for again where it is when it does not answer."""
    return replace(
        connection,
        sandbox_id=sandbox_id,
        cloud_api_url=account.url,
        cloud_api_key=account.key,
        renewal=partial(look_again, sandbox_id, account),
    )


async def find(sandbox_id: str, account: CloudAccount) -> AgentConnection:
    """Where a sandbox is now, and its key now. One that is paused is asked to go on.

    Raises:
        SandboxGone: so it is.
        ServerUnavailable: it does not run yet, or the API does not say.
        CloudRefuses: the API says no.
    """
    async with Cloud(account) as cloud:
        sandbox = await cloud.get(sandbox_id)
        if sandbox is None:
            raise SandboxGone(f"the sandbox {sandbox_id} is gone, and what ran in it with it")
        if sandbox.status is SandboxStatus.PAUSED:
            await cloud.resume(sandbox_id)
    if sandbox.status is SandboxStatus.ERROR:
        raise SandboxGone(f"the sandbox {sandbox_id} has failed{because(sandbox.why)}")
    if not sandbox.is_usable:
        raise ServerUnavailable(f"the sandbox {sandbox_id} does not run ({sandbox.status.lower()})")
    return connection_of(sandbox, account)


async def look_again(sandbox_id: str, account: CloudAccount) -> AgentConnection:
    """The same for a run that goes on: what the API says no to now it may not tomorrow.

    Raises:
        SandboxGone: so it is.
        ServerUnavailable: it cannot be had now.
    """
    try:
        return await find(sandbox_id, account)
    except CloudRefuses as error:
        raise ServerUnavailable(error.sentence) from error


def because(why: str) -> str:
    """The end of a sentence about a sandbox that failed."""
    return f": {why}" if why else ""
