"""What is known of a run that has ended, read again from the server: its disk and its own record."""

from automation.agent_server import AgentServer
from automation.observation import Observation, Presence, Record
from automation.result import MAX_BYTES
from automation.run.commands import Look
from automation.run.start import find_start

STATUS_LIMIT = 1024 * 1024


async def observe(server: AgentServer, now: Look) -> Observation:
    """The observation of the run that `now` has shown to have ended."""
    record = None
    if now.token and (command_id := await find_start(server, now.token)):
        record = await server.command_record(command_id)
    status_line = await server.read_file(f"{now.directory}/status.json", limit=STATUS_LIMIT) or b""
    seen = Observation(
        status_line=status_line.decode("utf-8", "replace"),
        record=Record(record.exit_code, record.stdout, record.stderr) if record else None,
        process=now.process,
        run=now.directory.rsplit("/", 1)[-1],
    )
    if seen.status is None or seen.status.result is not Presence.FILE:
        return seen
    result = await server.read_file(f"{now.directory}/result.json", limit=MAX_BYTES + 1)
    return seen.with_result(result)
