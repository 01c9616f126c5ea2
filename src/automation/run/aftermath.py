"""What a run has left on its server, for whoever comes after its client has died."""

from dataclasses import dataclass, replace
from typing import Self

from automation.agent_server import AgentServer
from automation.errors import ServerUnavailable
from automation.observation import Observation, Presence, Process
from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.run.commands import Look
from automation.run.observe import observe

SMALL_FILE = 1024 * 1024
SHOWN = 256 * 1024


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
    server.is_known = True
    if now.process is not Process.GONE:
        return Aftermath.nothing(Observation(process=now.process))
    seen = await observe(server, now)
    status = seen.status
    if status is None:
        return Aftermath.nothing(seen)
    if status.summary is Presence.FILE:
        summary = await server.read_file(f"{now.directory}/summary.md", limit=SMALL_FILE)
        seen = replace(seen, summary=summary)
    return Aftermath(seen, await _last_output(server, now.directory, status.output, redactor))


async def _last_output(server: AgentServer, directory: str, size: int, redactor: Redactor) -> Excerpt:
    """Its last bytes; where the file has become unreadable, none: that must not hold up the verdict."""
    raw, begin = bytearray(), max(size - SHOWN - redactor.longest, 0)
    try:
        async for chunk in server.read_from(f"{directory}/output.log", begin):
            raw += chunk[: SHOWN + redactor.longest - len(raw)]
    except ServerUnavailable:
        pass
    output = Excerpt()
    clean = redactor.bytes(bytes(raw))
    # Where it begins in the middle, the rest of a secret can stand: at most as long as the longest one.
    output.feed(clean[redactor.longest if begin else 0 :])
    return output
