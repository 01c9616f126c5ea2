"""A bot's whole world in one thread: its database is a real one, and so is all that decides; the rest is in memory."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from automation.agent_server import Line
from automation.catalogue import Automation
from automation.connection import AgentConnection
from automation.definition.role import Role
from automation.errors import Refused
from automation.github import GitHub, client
from automation.github.transport import Transport
from automation.run.start import Order
from automation.settings import Settings
from bot.bot import Bot
from bot.caps import Caps
from bot.clock import Clock as BotClock
from bot.definitions import Definitions
from bot.github.installations import Installations
from bot.requests.acceptance import Acceptance
from bot.requests.wish import Subject, Wish
from bot.runs import answer, drive, orphans
from bot.runs.driver import Driver
from bot.runs.order import Ordering
from bot.runs.orphans import Orphans
from bot.runs.run import Run
from bot.settings import BotSettings
from bot.store import sqlite_file
from bot.store.database import Database
from bot.store.store import Store
from bot.tending import tending
from bot.vault import Vault, new_key
from bot.watchdog import PendingChecks
from tests.bot.runs.place import quick_keys
from tests.bot.world.clock import Clock, Loop, wait_for_threads
from tests.bot.world.github import URL, Hub
from tests.bot.world.ports import Ports
from tests.bot.world.server import Client, Events, Machine
from tests.workflow import REPOSITORY

QUIET = 30
"""Rounds of the event loop in which nothing has to happen."""
SHORT_STEPS = 6
"""Of a second each: more than anybody sleeps between two looks at the same thing."""
RUNS = 3
"""That go on at one time."""


@dataclass(frozen=True)
class _Ordering:
    """In place of `Ordering`: what a run is made of comes from GitHub, and is not looked at here."""

    bot: Bot
    run: Run

    @asynccontextmanager
    async def assembled(self, github: GitHub) -> AsyncIterator[Order]:
        await github.get(f"/commits/{self.run.definition_sha}")
        yield Order(str(self.run.id), "true", b"", timeout=self.run.timeout)

    def resumed(self) -> Order:
        return Ordering(self.bot, self.run).resumed()


@dataclass
class _Lines:
    """In place of `Lines`."""

    client: Client
    events: Events

    @asynccontextmanager
    async def to(self, connection: AgentConnection) -> AsyncIterator[Line]:
        yield Line(self.client, self.events)  # type: ignore[arg-type]


@dataclass
class Process:
    """One life of the bot."""

    bot: Bot
    driver: Driver
    stack: AsyncExitStack
    second: AsyncExitStack | None = None


@dataclass
class World:
    """All of it. Its methods are called from outside of the loop."""

    directory: Path
    checkout: Path
    main: str
    clock: Clock = field(default_factory=Clock)
    ports: Ports = field(default_factory=Ports)
    key: str = field(default_factory=new_key)
    transactions: int = 0
    _process: Process | None = None

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        enter = self._stack.enter_context
        enter(self.clock.everywhere())
        enter(quick_keys())
        # Nothing here loses its power, and each commit would wait for the disk.
        pragmas = [each.replace("synchronous=FULL", "synchronous=OFF") for each in sqlite_file.PRAGMAS]
        enter(patch.object(sqlite_file, "PRAGMAS", pragmas))
        self._runner = enter(asyncio.Runner(loop_factory=partial(Loop, self.clock)))
        self.machine = Machine(self.clock)
        self.hub = Hub(self.checkout, self.ports)
        enter(patch.object(Transport, "connect", self.hub.connect))
        enter(patch.object(client, "in_daemon_thread", self.hub.in_this_thread))
        enter(patch.object(drive, "Ordering", _Ordering))
        enter(patch.object(orphans, "AgentServer", self._client))
        for name in ("reading", "writing"):
            enter(patch.object(Database, name, self._counted(getattr(Database, name))))
        self.begin()

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    def close(self) -> None:
        try:
            self.kill(begins_again=False)
        finally:
            self._stack.close()

    def do[T](self, work: Coroutine[Any, Any, T]) -> T | None:
        """The work's result, once all has come to rest; None if the bot died over it."""

        async def whole() -> T | None:
            task = asyncio.ensure_future(work)
            await asyncio.wait([task])
            await self._rest()
            return None if task.cancelled() else task.result()

        result = self._runner.run(whole())
        if self.ports.is_dead:
            self.kill()
        return result

    def settle(self) -> None:
        self.do(asyncio.sleep(0))

    def passes(self, seconds: float) -> None:
        """So much time, in steps that whoever waits can follow: after each long one some short ones."""
        end, step = self.clock.now + seconds, max(seconds / 12, 1)
        while self.clock.now < end:
            self._step(min(step, end - self.clock.now))
            for _ in range(SHORT_STEPS if step > 2 * SHORT_STEPS else 0):
                self._step(min(1, end - self.clock.now))

    def _step(self, seconds: float) -> None:
        self.clock.now += seconds
        self.machine.tick()
        self.settle()

    # The life of the process

    def begin(self) -> None:
        self.ports.is_dead = False
        # The only thing of the bot's that lives as long as its process and belongs to no object.
        answer._locks.clear()
        self._process = self._runner.run(self._open())
        self.settle()

    def kill(self, *, begins_again: bool = True) -> None:
        """Nothing that it had begun is finished, and what it leaves undone is tidied up by nobody."""
        self.ports.is_dead = True
        self._runner.run(self._bury())
        if begins_again:
            self.begin()

    def stop(self) -> None:
        """In good order."""
        process = self.process
        self._runner.run(self._leave(process))
        self.begin()

    def second_driver(self, *, stays: bool = True) -> None:
        """Comes, if there is none; goes, if there is one. Both take what they find, one from the other."""
        process = self.process
        if process.second is None and stays:
            self.do(self._come(process))
        elif process.second is not None:
            leaving, process.second = process.second, None
            self.do(leaving.aclose())

    async def _come(self, process: Process) -> None:
        process.second = AsyncExitStack()
        await process.second.enter_async_context(Driver(process.bot).driving())

    async def _open(self) -> Process:
        async with AsyncExitStack() as stack:
            settings = self._settings()
            store = await stack.enter_async_context(Store.open(settings.database_url))
            workspace = self.directory / "workspace"
            shutil.rmtree(workspace, ignore_errors=True)
            workspace.mkdir()
            installations = Installations(URL, settings.app_id, settings.private_key)
            stack.callback(installations.close)
            bot = Bot(
                settings=settings,
                store=store,
                vault=Vault(settings.secret_keys),
                instance="instance",
                workspace=workspace,
                installations=installations,
                definitions=Definitions(workspace),
                clock=BotClock(0),
            )
            events = Events()
            self.machine.listeners = [events]
            bot.lines = _Lines(self._client(bot.agent_server(is_fork=False)), events)  # type: ignore[assignment]
            stack.push_async_callback(bot.asides.leave_off)
            driver = Driver(bot)
            await stack.enter_async_context(driver.driving())
            for name, work in (
                ("orphans", Orphans(bot).sweep_for_ever),
                ("pending checks", PendingChecks(bot).watch_for_ever),
            ):
                await stack.enter_async_context(tending(name, work, bot.metrics))
            return Process(bot, driver, stack.pop_all())

    async def _leave(self, process: Process) -> None:
        if process.second:
            await process.second.aclose()
        await process.stack.aclose()

    async def _bury(self) -> None:
        me = asyncio.current_task()
        while others := asyncio.all_tasks() - {me}:
            for task in others:
                task.cancel()
            await asyncio.wait(others, timeout=0)
            wait_for_threads()
        await self._leave(self.process)

    def _settings(self) -> BotSettings:
        return BotSettings(
            app_id=self.hub.app.id,
            private_key=self.hub.app.private_key,
            webhook_secret="the-webhook-secret-of-tests",
            github_api_url=URL,
            public_url="http://bot.test",
            database_url=f"sqlite:///{self.directory / 'bot.sqlite3'}",
            secret_keys=(self.key,),
            core=Settings(agent_server_url="http://server.test", agent_server_api_key="key", patience=30),
            caps=replace(Caps(), runs=RUNS, per_user=1000, per_pull=1000, per_repository=1000),
        )

    def _client(self, connection: AgentConnection) -> Client:
        return Client(self.machine, self.ports, connection)

    # Rest

    async def _rest(self) -> None:
        """Until nothing happens any more unless time passes or somebody does something."""
        quiet, calls = 0, -1
        while quiet < QUIET:
            await asyncio.sleep(0)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, Loop)
            if self.transactions or loop.threads:
                wait_for_threads()
                quiet = 0
            else:
                quiet = quiet + 1 if calls == self.ports.calls else 0
            calls = self.ports.calls

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Transactions that are under way; a dead process has none."""
        world = self

        @asynccontextmanager
        async def transaction(self: Database, *given: Any) -> AsyncIterator[AsyncConnection]:
            world.ports.check_alive()
            world.transactions += 1
            try:
                async with method(self, *given) as connection:
                    yield connection
                    world.ports.check_alive()
            finally:
                world.transactions -= 1

        return transaction

    # What people do

    def accept(self, automation: Automation, wish: Wish) -> Run | None:
        """The run that it comes to; None if it is refused, or the bot died over it."""

        async def accepting() -> Run | None:
            try:
                return await Acceptance(self.process.bot, self.process.driver).accept(
                    automation, self._subject(), wish
                )
            except Refused:
                return None

        return self.do(accepting())

    def runs(self) -> dict[UUID, Run]:
        """As their rows are now."""
        found = self.do(self.process.bot.store.runs.recent(1000))
        return {run.id: run for run in found or ()}

    def _subject(self) -> Subject:
        return Subject(
            repository=REPOSITORY,
            installation=self.hub.installation,
            sha=self.hub.pull.head,
            definition_sha=self.main,
            head_ref="main",
            base_ref="main",
            pull_request=7,
        )


def wish_of(comment_id: int, **changes: Any) -> Wish:
    """What a comment of alice's asks for."""
    known: dict[str, Any] = {
        "actor": "alice",
        "cause": "issue_comment.created",
        "event_name": "issue_comment",
        "role": Role.WRITE,
        "comment_id": comment_id,
    }
    return Wish(**known | changes)
