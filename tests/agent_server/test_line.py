"""A line serves one server to many, and opens where nobody answers yet."""

import asyncio

import pytest

from automation.agent_server import Line
from automation.connection import AgentConnection
from automation.errors import ServerUnavailable
from tests.servers import RealServer


async def test_many_ask_at_once(server: RealServer) -> None:
    async with Line.open(AgentConnection(server.url, server.key)) as line:
        answers = await asyncio.gather(
            *(line.server.execute(f"echo {number}", timeout=30) for number in range(5))
        )
    assert [answer.stdout.strip() for answer in answers] == [str(number) for number in range(5)]


async def test_it_opens_where_nobody_answers_yet() -> None:
    async with asyncio.timeout(20):
        async with Line.open(AgentConnection("http://127.0.0.1:9", "")) as line:
            with pytest.raises(ServerUnavailable):
                await line.server.info()


async def test_whoever_leaves_leaves_no_task_behind(server: RealServer) -> None:
    before = asyncio.all_tasks()
    async with Line.open(AgentConnection(server.url, server.key)) as line:
        await line.server.info()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == set()
