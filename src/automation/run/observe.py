"""What is known of a run that has ended, read again from the server: its disk and its own record."""

from automation.agent_server import AgentServer
from automation.observation import Observation, Presence, Record
from automation.result import MAX_BYTES
from automation.run.commands import Look, token_before
from automation.run.start import find_start

STATUS_LIMIT = 1024 * 1024


async def observe(server: AgentServer, now: Look) -> Observation:
    """The observation of the run that `now` has shown to have ended."""
    record = await _record_of(server, now.token) if now.token else None
    status_line = await server.read_file(f"{now.directory}/status.json", limit=STATUS_LIMIT) or b""
    seen = Observation(
        status_line=status_line.decode("utf-8", "replace"),
        record=record,
        process=now.process,
        run=now.directory.rsplit("/", 1)[-1],
    )
    if seen.status is None or seen.status.result is not Presence.FILE:
        return seen
    result = await server.read_file(f"{now.directory}/result.json", limit=MAX_BYTES + 1)
    return seen.with_result(result)


async def _record_of(server: AgentServer, token: str) -> Record | None:
    """The server's own record of the start that counted; a start that arrived twice has another one."""
    seconds: set[str] = set()
    while command_id := await find_start(server, token, unless=seconds):
        found = await server.command_record(command_id)
        record = Record(found.exit_code, found.stdout, found.stderr) if found else None
        if record is None or not token_before(record):
            return record
        seconds.add(command_id)
    return None
