"""Serving the set-up pages for as long as there is an App to be made: until it is, for an hour at the most."""

import asyncio
import os
import socket
from ipaddress import ip_address
from typing import Final

import uvicorn
from starlette.applications import Starlette

from automation.errors import Misconfigured
from bot.set_up.conversion import NewApp
from bot.set_up.routes import SetUp
from bot.set_up.states import LIFETIME

LAST_ANSWER: Final = 3
"""Seconds that the last page has to get through."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        Misconfigured: the address is taken, or not this machine's.
    """
    try:
        is_v6 = ip_address(host).version == 6  # noqa: PLR2004
    except ValueError:
        is_v6 = False
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if is_v6 else socket.AF_INET)
    except OSError as error:
        raise Misconfigured(
            f"nothing can listen on {host} port {port} ({os.strerror(error.errno) if error.errno else type(error).__name__}); "
            "give another --host or --port"
        ) from None


async def serve(set_up: SetUp, listener: socket.socket) -> NewApp:
    """Serve until the App has been made.

    Raises:
        Misconfigured: nobody made it within the hour.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=set_up.routes),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=LAST_ANSWER,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    done = asyncio.create_task(set_up.done.wait())
    await asyncio.wait({serving, done}, timeout=LIFETIME, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    done.cancel()
    await serving
    if set_up.app is None:
        raise Misconfigured("nobody made the App within the hour; run `automation-bot setup` again")
    return set_up.app
