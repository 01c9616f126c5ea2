"""Runs on one server share one line to it, which is closed behind the last of them."""

import asyncio

from automation.connection import AgentConnection
from bot.log_context import about, bound
from bot.runs.lines import Lines
from tests.servers import RealServer


async def test_one_line_for_all_until_the_last_has_left(server: RealServer) -> None:
    lines, connection = Lines(), AgentConnection(server.url, server.key)
    async with lines.to(connection) as first:
        async with lines.to(connection) as second:
            assert second is first
        assert (await first.server.info())["version"]
    async with lines.to(connection) as another:
        assert another is not first
        assert (await another.server.info())["version"]


async def test_what_a_line_logs_is_not_about_the_run_that_opened_it(server: RealServer) -> None:
    connection = AgentConnection(server.url, server.key)
    with about(run="the first one"):
        async with Lines().to(connection):
            [listening] = [task for task in asyncio.all_tasks() if task.get_name() == "bash-events"]
            assert listening.get_context().run(bound) == {}
            assert bound() == {"run": "the first one"}


async def test_many_at_once_get_the_same(server: RealServer) -> None:
    lines, connection = Lines(), AgentConnection(server.url, server.key)
    everybody = asyncio.Barrier(5)

    async def use() -> int:
        async with lines.to(connection) as line:
            await everybody.wait()
            return id(line)

    assert len(set(await asyncio.gather(*(use() for _ in range(5))))) == 1


async def test_other_servers_and_other_keys_have_lines_of_their_own(server: RealServer) -> None:
    lines = Lines()
    async with (
        lines.to(AgentConnection(server.url, server.key)) as one,
        lines.to(AgentConnection(server.url, "another key")) as other,
    ):
        assert one is not other


async def test_that_nobody_answers_is_no_error_of_the_line() -> None:
    async with Lines().to(AgentConnection("http://127.0.0.1:9", "")) as line:
        assert line.server is not None
