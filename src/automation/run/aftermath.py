"""What a run has left on its server, for whoever comes after its client has died."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from automation.agent_server import AgentServer
from automation.errors import ServerRefuses, ServerUnavailable
from automation.observation import Observation, Presence, Process
from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.run.commands import Look
from automation.run.observe import observe

SMALL_FILE = 1024 * 1024
SHOWN = 256 * 1024
READ_WITHIN = 30.0


@dataclass(frozen=True)
class Aftermath:
    """A run that has ended, and the end of its output, redacted."""

    seen: Observation
    output: Excerpt

    @classmethod
    def nothing(cls, seen: Observation) -> Self:
        return cls(seen, Excerpt())

    def stopped_by(self, whom: str) -> Self:
        """The same, with who had it stopped."""
        return replace(self, seen=replace(self.seen, stopped_by=whom))


async def read_aftermath(server: AgentServer, now: Look, redactor: Redactor) -> Aftermath:
    """Everything that is left of the run that `now` has shown to have ended.

    Raises:
        ServerUnavailable: the server did not answer.
    """
    server.trust()
    if now.process is not Process.GONE:
        return Aftermath.nothing(Observation(process=now.process))
    seen = await observe(server, now)
    status = seen.status
    if status is not None and status.summary is Presence.FILE:
        seen = replace(seen, summary=await _summary(server, now.directory))
    size = status.output if status is not None else 0
    return Aftermath(seen, await _last_output(server, now.directory, size, redactor))


async def _summary(server: AgentServer, directory: str) -> bytes | None:
    """What stood there may have been replaced since by something that is no file."""
    try:
        return await server.read_file(f"{directory}/summary.md", limit=SMALL_FILE)
    except ServerRefuses:
        return None


async def _last_output(server: AgentServer, directory: str, size: int, redactor: Redactor) -> Excerpt:
    """The end of an output of `size` bytes at least; where it cannot be read, none: the verdict does not wait for it."""
    begin = max(size - SHOWN - redactor.longest, 0)
    output, stream = Excerpt(), redactor.stream()
    behind = _Behind(redactor.longest if begin else 0)
    room = SHOWN + redactor.longest + SMALL_FILE
    is_whole = False
    try:
        async with asyncio.timeout(READ_WITHIN):
            async for chunk in server.read_from(f"{directory}/output.log", begin):
                output.feed(behind.cut(stream.feed(chunk[:room])))
                room -= len(chunk)
                if room <= 0:
                    break
            else:
                is_whole = True
    except (ServerUnavailable, TimeoutError):
        pass
    if is_whole:
        # Otherwise what is held back may be the first part of a secret.
        output.feed(behind.cut(stream.close()))
    return output


@dataclass
class _Behind:
    """Drops what comes before the first whole line: the beginning may be the rest of a secret.

    Attributes:
        unsafe: bytes that the rest of the longest secret can have; the line that they end in goes, too.
    """

    unsafe: int

    def cut(self, data: bytes) -> bytes:
        if not self.unsafe:
            return data
        line_end = data.find(b"\n", max(self.unsafe - 1, 0)) + 1
        self.unsafe = 0 if line_end else max(self.unsafe - len(data), 1)
        return data[line_end:] if line_end else b""
