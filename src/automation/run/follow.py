"""Follow a started run to its end: live output in order and complete, the end as soon as it is known.

The end is announced by the bash-events socket and confirmed by `status.json`. Where the announcement can
have been missed (no socket, a gap, a restarted server, which never announces what ran before), the
follower looks for itself. Output is read from the byte where it stopped, however often the connection breaks.
"""

import asyncio
import itertools
import math
import time
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from automation.agent_server import AgentServer, BashEvents, CommandRecord
from automation.errors import ServerLost, ServerRefuses, ServerUnavailable
from automation.observation import Cause, Observation, Presence, Process, Record
from automation.result import MAX_BYTES
from automation.run.attention import Attention
from automation.run.commands import Look, token_before
from automation.run.patience import Patience
from automation.run.progress import Phase, Progress
from automation.run.start import NEVER, Started, find_start
from automation.run.stop import look, sweep

SMALL_FILE = 1024 * 1024
"""Bytes that are read at the most of what tells of a run: status, summary, log."""
COLLECTED_WITHIN = 600.0
"""Seconds for all that a run has left to be read."""
LOOK_EVERY = 60.0
"""Seconds between two looks at a run whose end the socket would announce."""
LOOK_EVERY_WITHOUT_SOCKET = 10.0
"""Seconds between two looks where nothing is announced."""
LAST_LOOK_WITHIN = 60.0
"""Seconds for the look at a run that should have ended long ago."""
RECORD_GRACE = 3.0
"""Seconds to wait for a record: it follows the runner's last act within milliseconds; a busy server's search took 13 s."""
LAST_TRIES = 6
"""Tries to read the end of the output, half a second apart."""
FIRST_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds to wait for the announcement before each of the first looks at the output."""


@dataclass
class Follower:
    """One run being followed.

    Attributes:
        within: seconds after which the run cannot be going on any more, whatever its server says.
        attention: how long to pause between two looks at the output.
        offset: bytes of output seen so far.
    """

    server: AgentServer
    events: BashEvents
    run: Started
    patience: Patience
    progress: Progress
    within: float = math.inf
    attention: Attention = field(default_factory=Attention)
    offset: int = 0
    _looked: float = 0.0
    _heard: int = NEVER
    _is_mute: bool = False
    _is_expected: bool = False
    _seconds: set[str] = field(default_factory=set)

    async def follow(self) -> Observation:
        """Return what was seen of the run once it has ended, or once the server is lost."""
        self.progress.enter(Phase.RUN)
        self._looked = time.monotonic()
        self._heard = self.run.announced_since
        try:
            seen = await self._end_in_time()
            async with asyncio.timeout(COLLECTED_WITHIN):
                return await self._collect(seen)
        except ServerLost as error:
            return Observation(lost=error.sentence)
        except TimeoutError:
            return Observation(
                lost="the agent-server does not say how the run ended, long after the run's time is over"
            )
        finally:
            if self.run.command_id is not None:
                self.events.forget(self.run.command_id)

    async def _end_in_time(self) -> Observation:
        try:
            async with asyncio.timeout(None if math.isinf(self.within) else self.within):
                return await self._until_end()
        except TimeoutError:
            # It may be us who were held up, as on a machine that was paused.
            async with asyncio.timeout(LAST_LOOK_WITHIN):
                seen = await self.patience.bear(self._look)
                if seen is not None and await self._was_second(seen):
                    seen = await self.patience.bear(self._look)
        if seen is None:
            raise TimeoutError
        return seen

    def expect_end(self) -> None:
        """Look at the run itself from now on, whatever is announced: whoever has ended it knows better."""
        self._is_expected = True
        self.attention.drawn.set()

    async def _until_end(self) -> Observation:
        for pause in itertools.chain(FIRST_PAUSES, itertools.repeat(None)):
            seen = await self._announcement(self.attention.pause if pause is None else pause)
            if seen is None:
                await self._read_output()
                seen = await self.patience.bear(self._look_if_needed)
            if seen is not None and not await self._was_second(seen):
                return seen
        raise AssertionError

    async def _announcement(self, seconds: float) -> Observation | None:
        """The end, if it is announced before the time is up or somebody begins to watch."""
        drawn = asyncio.ensure_future(self.attention.drawn.wait())
        end = self.events.end_of(self.run.command_id) if self.run.command_id is not None else None
        waits: list[asyncio.Future[Any]] = [drawn] if end is None else [drawn, end]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            drawn.cancel()
        self.attention.drawn.clear()
        return _as_observation(end.result()) if end is not None and end.done() else None

    async def _read_output(self) -> bool:
        """All output that is there, from the byte where the last reading stopped.

        Returns whether it could be read: a file that the run has made unreadable must not hold up its end, and
        what is over the limit is not even fetched.
        """
        while self.offset < self.run.output_limit:
            try:
                async for chunk in self.server.read_from(self.run.place.path("output.log"), self.offset):
                    self.progress.output(chunk[: self.run.output_limit - self.offset])
                    self.offset += len(chunk)
                    self.patience.answered()
                    if self.offset >= self.run.output_limit:
                        break
            except ServerRefuses:
                return False
            except ServerLost:
                raise
            except ServerUnavailable as error:
                self._heard = NEVER
                await self.patience.wait_after(error)
            else:
                self.patience.answered()
                return True
        return True

    async def _read_rest(self) -> None:
        """The output to its end, or a note that it is not whole."""
        for _ in range(LAST_TRIES):
            if await self._read_output():
                return
            await asyncio.sleep(0.5)
        self.progress.note("the end of the output could not be read from the server")

    async def _look_if_needed(self) -> Observation | None:
        """Look at the run itself if its end can have been missed. None while it goes on."""
        if self._is_expected:
            return await self._look()
        is_pushed = self.events.connected.is_set() and self.run.command_id is not None and not self._is_mute
        connections = self.events.connections
        had_gap = self._heard != connections
        waited = time.monotonic() - self._looked
        if is_pushed and not had_gap and waited < LOOK_EVERY:
            return None
        if not is_pushed and waited < LOOK_EVERY_WITHOUT_SOCKET:
            status = self.run.place.path("status.json")
            if await self.server.read_file(status, limit=SMALL_FILE) is None:
                return None
        seen = await self._look()
        self._looked = time.monotonic()
        if is_pushed:
            self._heard = connections
        return seen

    async def _look(self) -> Observation | None:
        now = await look(self.server, self.run.key, self.run.base)
        match now.process:
            case Process.ALIVE:
                # A server that was restarted never announces the end of what ran before.
                self._is_mute = self._is_mute or await self._was_restarted(now)
                return None
            case Process.NEVER_STARTED:
                # The record of our own start says so, too, if it is true: the run could write that claim.
                return await self._late_record(now) or Observation(process=Process.NEVER_STARTED)
            case Process.GONE:
                return await self._late_record(now) or Observation(process=Process.GONE)
            case Process.UNKNOWN:
                # Not claimed yet, or its directory is gone: a start may be slow, so look once more.
                late = await self._late_record(now)
                again = await look(self.server, self.run.key, self.run.base)
                is_gone = again.process in {Process.UNKNOWN, Process.GONE}
                return late or (Observation(process=Process.GONE) if is_gone else None)
            case _:
                assert_never(now.process)

    async def _late_record(self, now: Look) -> Observation | None:
        """The record of a runner that is gone: on its way, or never to come if the server was restarted."""
        if self.run.command_id is None:
            return None
        was_restarted = await self._was_restarted(now)
        deadline = time.monotonic() + RECORD_GRACE
        while True:
            if record := await self.server.command_record(self.run.command_id):
                return _as_observation(record)
            if was_restarted or time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.2)

    async def _was_restarted(self, now: Look) -> bool:
        """Whether the server has been up for a shorter time than the run."""
        uptime = (await self.server.info()).get("uptime")
        return isinstance(uptime, int | float) and uptime + 1 < now.date - now.since

    async def _was_second(self, seen: Observation) -> bool:
        """Whether ours was the second start of this run: then follow the first one's command."""
        token = token_before(seen.record) if seen.record else ""
        if not token:
            return False
        if self.run.command_id is not None:
            self._seconds.add(self.run.command_id)
        command_id = await self.patience.bear(lambda: find_start(self.server, token, unless=self._seconds))
        self.run = replace(self.run, command_id=command_id, adopted=True, announced_since=NEVER)
        self._heard = NEVER
        return True

    async def _collect(self, seen: Observation) -> Observation:
        """Everything that the run left on the server's disk."""
        _, status_line = await asyncio.gather(self._read_rest(), self._read("status.json"))
        self.progress.enter(Phase.COLLECT)
        if status_line is None and seen.process is not Process.NEVER_STARTED:
            status_line = await self._without_status(seen)
        seen = replace(
            seen, run=str(self.run.key), status_line=(status_line or b"").decode("utf-8", "replace")
        )
        status = seen.status
        if status is None:
            return replace(seen, log=await self._read("runner.log"))
        result, summary, log = await asyncio.gather(
            self._read_if("result.json", there=status.result is Presence.FILE, limit=MAX_BYTES + 1),
            self._read_if("summary.md", there=status.summary is Presence.FILE),
            self._read_if("runner.log", there=status.log is Presence.FILE),
        )
        return replace(seen, result=result, summary=summary, log=log)

    async def _read(self, name: str, limit: int = SMALL_FILE) -> bytes | None:
        return await self.patience.bear(lambda: self.server.read_file(self.run.place.path(name), limit=limit))

    async def _without_status(self, seen: Observation) -> bytes | None:
        """What to judge by where `status.json` is missing."""
        if seen.record is not None and Observation(status_line=seen.record.line).status is not None:
            # The runner printed it, too; somebody who followed the same run has removed the directory since.
            return seen.record.line.encode()
        # Nobody watches the group any more: end what the dead runner left.
        await self.patience.bear(lambda: sweep(self.server, self.run.key, self.run.base, Cause.ABANDONED))
        return await self._read("status.json")

    async def _read_if(self, name: str, *, there: bool, limit: int = SMALL_FILE) -> bytes | None:
        return await self._read(name, limit) if there else None


def _as_observation(record: CommandRecord) -> Observation:
    return Observation(record=Record(record.exit_code, record.stdout, record.stderr))
