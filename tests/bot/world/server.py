"""An agent-server in memory: a disk with runs in it, and a process that can be restarted under them.

It knows the few commands that a run sends (`automation.run.commands`) by their text, and does what they do.
"""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import IO, Any, Self
from uuid import UUID

from automation.agent_server import CommandRecord
from automation.connection import AgentConnection
from automation.errors import ServerUnavailable
from automation.observation import Cause, Presence, Status
from automation.run.commands import ALREADY_CLAIMED, TOKEN
from tests.bot.world.clock import Clock
from tests.bot.world.ports import Ports, Side

KEY = re.compile(r"automation-runs/([0-9a-f-]{36})")
PAYLOAD = re.compile(r"payload-([0-9a-f]{32})\.tar")
TIMEOUT = re.compile(r"runner\.sh run \"\$u\" (\d+) ")
OUTPUT = b"hello\n"
KILLED = 143


@dataclass
class Job:
    """A run's directory on the disk.

    Attributes:
        claim: token of the payload that was started, `stop`, or nothing.
        status: `status.json`, once it has ended.
    """

    key: UUID
    since: float
    claim: str = ""
    command: str = ""
    timeout: float = 0
    status: str = ""

    @property
    def directory(self) -> str:
        return f"/automation-runs/{self.key}"

    @property
    def is_running(self) -> bool:
        return bool(self.claim) and self.claim != "stop" and not self.status


@dataclass(frozen=True)
class End:
    """How an entrypoint truly ended."""

    cause: Cause
    exit_code: int


@dataclass
class Events:
    """`BashEvents` of one process."""

    connected: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 1
    _ends: dict[str, "asyncio.Future[CommandRecord]"] = field(default_factory=dict)
    _early: dict[str, CommandRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connected.set()

    def end_of(self, command_id: str) -> "asyncio.Future[CommandRecord]":
        future = self._ends.setdefault(command_id, asyncio.get_running_loop().create_future())
        if record := self._early.pop(command_id, None):
            future.set_result(record)
        return future

    def forget(self, command_id: str) -> None:
        if future := self._ends.pop(command_id, None):
            future.cancel()

    def announce(self, record: CommandRecord) -> None:
        future = self._ends.get(record.command_id)
        if future is None:
            self._early[record.command_id] = record
        elif not future.done():
            future.set_result(record)


@dataclass
class Machine:
    """The server's machine.

    Attributes:
        started: how often the entrypoint of each run was started.
        ends: of those that have ended.
        forgotten: runs whose directory was lost before anybody had removed it.
        listeners: who is told of ends.
    """

    clock: Clock
    jobs: dict[UUID, Job] = field(default_factory=dict)
    records: dict[str, CommandRecord] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    started: Counter[UUID] = field(default_factory=Counter)
    ends: dict[UUID, End] = field(default_factory=dict)
    forgotten: set[UUID] = field(default_factory=set)
    listeners: list[Events] = field(default_factory=list)
    booted: float = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def running(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.is_running]

    def end(self, job: Job, cause: Cause, exit_code: int) -> None:
        """The entrypoint is over, and the runner writes it down."""
        now = int(self.clock.now)
        self.ends[job.key] = End(cause, exit_code)
        job.status = Status(
            version=1,
            run=str(job.key),
            cause=cause,
            phase="entrypoint",
            exit_code=exit_code,
            started=int(job.since),
            ended=now,
            milliseconds=1000,
            output=len(OUTPUT),
            result=Presence.NONE,
            summary=Presence.NONE,
            log=Presence.NONE,
            left=False,
        ).model_dump_json()
        if job.command in self.commands:
            self._record(CommandRecord(job.command, exit_code, job.status))

    def tick(self) -> None:
        """What is over its time is ended."""
        for job in self.running():
            if self.clock.now > job.since + job.timeout:
                self.end(job, Cause.TIMED_OUT, KILLED)

    def restart(self) -> None:
        """The server's process: it knows no command any more, and never announces what ran before."""
        self.commands.clear()
        self.records.clear()
        self.booted = self.clock.now
        for events in self.listeners:
            events.connections += 1

    def forget(self) -> None:
        """The machine is replaced: nothing of before is there."""
        self.forgotten |= self.jobs.keys()
        self.jobs.clear()
        self.restart()

    def execute(self, command: str) -> CommandRecord:
        found = KEY.search(command)
        assert found, command[:200]
        key = UUID(found[1])
        if "exec bash -c " in command:
            return CommandRecord("", 0, self._inline(key, command))
        if "printf 'directory=" in command:
            job = self.jobs.setdefault(key, Job(key, self.clock.now))
            place = f"directory={job.directory}\ndate={int(self.clock.now)}\nbash=5.2\ntar=yes\n"
            return CommandRecord("", 0, place + (f"claim={self._claim(job)}\n" if job.claim else ""))
        assert "rm -rf" in command, command
        self.jobs.pop(key, None)
        return CommandRecord("", 0)

    def _inline(self, key: UUID, command: str) -> str:
        """The runner as `stop`, `sweep` or `probe`; what it prints."""
        verb, *words = command.rsplit("runner.sh ", 1)[1].split()
        if key not in self.jobs and "mkdir -p" in command:
            self.jobs[key] = Job(key, self.clock.now)
        job = self.jobs.get(key)
        if job is None:
            return "claim=absent\n"
        if verb == "stop" and not job.claim:
            job.claim = "stop"
        if verb in {"stop", "sweep"} and job.is_running:
            self.end(job, Cause(words[0]), KILLED)
        claim = {"": "none", "stop": "stop"}.get(job.claim, "start")
        runner = "alive" if job.is_running else "gone"
        token = "" if claim != "start" else f"token={job.claim}\n"
        facts = f"claim={claim}\nrunner={runner}\nprocesses=0\ndirectory={job.directory}\n{token}"
        return f"{facts}date={int(self.clock.now)}\nsince={int(job.since)}\n"

    def start(self, command: str) -> str:
        found, payload, time = (kind.search(command) for kind in (KEY, PAYLOAD, TIMEOUT))
        assert found and payload and time, command  # noqa: PT018
        job, command_id = self.jobs.get(UUID(found[1])), f"command-{next(self._numbers)}"
        self.commands[command_id] = command
        if job is None:
            self._record(CommandRecord(command_id, 73))
        elif job.claim:
            self._record(CommandRecord(command_id, ALREADY_CLAIMED, self._claim(job)))
        else:
            job.claim, job.command, job.timeout = payload[1], command_id, int(time[1]) / 10
            self.started[job.key] += 1
        return command_id

    def read(self, path: str) -> bytes | None:
        found = KEY.search(path)
        job = self.jobs.get(UUID(found[1])) if found else None
        if job is None:
            return None
        if path.endswith("status.json"):
            return job.status.encode() or None
        return OUTPUT if path.endswith("output.log") and TOKEN.fullmatch(job.claim) else None

    def _claim(self, job: Job) -> str:
        return "stop" if job.claim == "stop" else f"start 1 1 boot {int(job.since)} {job.claim}"

    def _record(self, record: CommandRecord) -> None:
        self.records[record.command_id] = record
        for events in self.listeners:
            events.announce(record)


@dataclass
class Client:
    """`AgentServer` of one process."""

    machine: Machine
    ports: Ports
    connection: AgentConnection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def trust(self) -> None:
        pass

    def telling(self, _: Callable[[AgentConnection], None]) -> AbstractContextManager[None]:
        """It never moves."""
        return nullcontext()

    async def info(self) -> Mapping[str, Any]:
        uptime = self.machine.clock.now - self.machine.booted
        return await self._call(lambda: {"version": "1.58.0", "sdk_version": "1.58.0", "uptime": uptime})

    async def execute(self, command: str, *, timeout: float) -> CommandRecord:
        return await self._call(lambda: self.machine.execute(command))

    async def start(self, command: str, *, timeout: float) -> str:
        return await self._call(lambda: self.machine.start(command))

    async def command_record(self, command_id: str) -> CommandRecord | None:
        return await self._call(lambda: self.machine.records.get(command_id))

    async def find_command(self, text: str, *, unless: Collection[str] = ()) -> str | None:
        def newest() -> str | None:
            known = reversed(self.machine.commands.items())
            return next((key for key, each in known if text in each and key not in unless), None)

        return await self._call(newest)

    async def stop_command(self, command_id: str) -> None:
        await self._call(lambda: None)

    async def upload(self, path: str, content: IO[bytes]) -> None:
        await self._call(lambda: None)

    async def read_file(self, path: str, *, limit: int) -> bytes | None:
        return await self._call(lambda: self.machine.read(path))

    async def read_from(self, path: str, offset: int) -> AsyncIterator[bytes]:
        data = await self._call(lambda: self.machine.read(path))
        if data and data[offset:]:
            yield data[offset:]

    async def _call[T](self, effect: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        return self.ports.call(Side.SERVER, effect, ServerUnavailable("the agent-server does not answer"))
