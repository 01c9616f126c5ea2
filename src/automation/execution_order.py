"""What the public functions make of their arguments: an order, and the backend that it goes to."""

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

from automation.backends.agent_server import PersistentServer
from automation.backends.cloud import CloudSandbox
from automation.cloud import CloudAuth, account_of
from automation.connection import AgentConnection, connect_to
from automation.errors import Misconfigured
from automation.external_id import ExternalId, Face
from automation.external_tarball import fetch_tarball
from automation.run.environment import KEYS_OF_OPENHANDS, Subject
from automation.run.start import Order

if TYPE_CHECKING:
    from automation.run.payload import Content

GZIP = b"\x1f\x8b"
LIBRARY = "library"
"""The instance that stands in a sandbox which a program of somebody's has made by these functions."""
MARGIN = 3600.0
"""Seconds for what comes before and after a run."""


def backend_of(
    order: Order,
    url: str | None,
    key: str | None,
    api_url: str,
    api_key: str,
    auth: CloudAuth,
    *,
    keep: bool,
    note: Callable[[str], None] = lambda _: None,
) -> PersistentServer | CloudSandbox:
    """The server that is given, or else a sandbox."""
    if url:
        return PersistentServer(server_at(url, key))
    if not (api_url or api_key):
        raise Misconfigured(
            "nothing is given that the run could be on: pass agent_server_url, or api_key for a Cloud sandbox"
        )
    deadline = int(time.time() + order.timeout + MARGIN)
    owner = ExternalId(Face.CLI, LIBRARY, order.key, 1, deadline)
    return CloudSandbox(account_of(api_url, api_key, auth), str(owner), keep=keep, note=note)


def server_at(url: str | None, key: str | None) -> AgentConnection:
    if not url:
        raise Misconfigured(
            "no agent-server is given: pass agent_server_url (or set AUTOMATION_AGENT_SERVER_URL for the "
            "command line)"
        )
    return connect_to(url, key or "")


async def order_of(
    entrypoint: str,
    tarball_source: bytes | str,
    env_vars: Mapping[str, str] | None,
    timeout: float,
    callback_url: str | None,
    run_id: str | None,
    work_dir: str | None,
) -> Order:
    if not (math.isfinite(timeout) and timeout > 0):
        raise Misconfigured("the timeout has to be a number of seconds above 0")
    if not entrypoint.strip():
        raise Misconfigured("the entrypoint is empty: expected a command such as 'python main.py'")
    if "\0" in entrypoint or any("\ud800" <= character <= "\udfff" for character in entrypoint):
        raise Misconfigured(
            "the entrypoint has characters that no command can have: NUL or half of a surrogate pair"
        )
    bundle: Content = (
        tarball_source if isinstance(tarball_source, bytes) else await fetch_tarball(tarball_source)
    )
    if isinstance(bundle, bytes) and not bundle.startswith(GZIP):
        raise Misconfigured("the tarball is not gzip-compressed: expected the bytes of a tar.gz")
    return Order(
        run_id=run_id or str(uuid4()),
        entrypoint=entrypoint,
        bundle=bundle,
        subject=Subject(),
        variables=dict(env_vars or {}),
        callback_url=callback_url or "",
        keys=KEYS_OF_OPENHANDS,
        timeout=timeout,
        base=work_dir,
    )


def secrets_in(env_vars: Mapping[str, str] | None) -> list[str]:
    """Values that a caller of this function gives under names that say that they are secret."""
    words = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
    return [value for name, value in (env_vars or {}).items() if any(word in name.upper() for word in words)]
