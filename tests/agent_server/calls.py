"""What tests of a client of one agent-server share: all of its calls, and how one of them is refused."""

import io
from collections.abc import Awaitable, Callable

import pytest
import respx

from automation.agent_server import AgentServer
from automation.errors import AutomationError
from tests.http_edge import OddAnswer, error_of

URL = "http://agents.example:8000"
KEY = "s3ssion-k3y"
HTML = "<!DOCTYPE html>\n<html><body>Welcome to <b>nginx</b>!</body></html>"

type Call = Callable[[AgentServer], Awaitable[object]]


async def everything(server: AgentServer, offset: int) -> bytes:
    return b"".join([chunk async for chunk in server.read_from("/base/run/output.log", offset)])


CALLS: dict[str, Call] = {
    "info": lambda server: server.info(),
    "execute": lambda server: server.execute("true", timeout=5),
    "start": lambda server: server.start("true", timeout=5),
    "command_record": lambda server: server.command_record("c1"),
    "find_command": lambda server: server.find_command("x"),
    "upload": lambda server: server.upload("/base/run/payload.tar", io.BytesIO(b"x")),
    "read_file": lambda server: server.read_file("/base/run/status.json", limit=100),
    "read_from": lambda server: everything(server, 0),
}
JSON_CALLS = [name for name in CALLS if not name.startswith("read")]

every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
every_json_call = pytest.mark.parametrize("call", [CALLS[name] for name in JSON_CALLS], ids=JSON_CALLS)


async def refused(
    kind: type[AutomationError], call: Call, server: AgentServer, edge: respx.MockRouter, answer: OddAnswer
) -> str:
    """The sentence with which the call fails on this answer."""
    error = await error_of(kind, lambda: call(server), edge, answer, url=URL, key=KEY)
    return error.sentence
