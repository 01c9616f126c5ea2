"""The bot as one process: its parts put together, served, and taken apart again in order.

At SIGTERM: no more deliveries are taken (GitHub is told 503 and shows them as failed), open pages are closed, runs
are left going on their servers for whoever starts next. What has not ended by then is left as it is: whoever asked
would kill the process soon, and all that counts is in the database.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import assert_never
from uuid import UUID

import uvicorn
from starlette.applications import Starlette

from automation.errors import Misconfigured
from automation.exit_codes import Exit
from bot.bell import Word
from bot.bot import Bot
from bot.clock import Clock
from bot.definitions import Definitions
from bot.endpoints import endpoints
from bot.github.hook import Hook
from bot.github.installations import APP, Installations
from bot.inbox import Inbox, MissedDeliveries, webhook_route
from bot.pages.event_stream import Streams
from bot.pages.routes import routes as pages
from bot.requests.worker import AT_ONCE, Worker, is_wanted
from bot.retention import Retention
from bot.runs.driver import Driver
from bot.runs.orphans import Orphans
from bot.servers import Servers
from bot.settings import BotSettings
from bot.shown import ShownRuns
from bot.store.moving import INSTANCE, refuse_moved
from bot.store.store import Store
from bot.tending import tending
from bot.tracing import tracing_by
from bot.vault import SECRET_KEY, Vault
from bot.watchdog import PendingChecks
from bot.workspace import workspace

GRACE = 3
"""Seconds that answers which are under way get at the end."""

LEFT_WITHIN = 9.0
"""Seconds from the signal to the end of the process: Docker kills after 10.

Source: https://docs.docker.com/reference/cli/docker/container/stop/
"""

CONNECTIONS = 800
"""Most at once: usually a process may have 1024 files open, and each may hold some memory for a while."""

CAUGHT_UP_WITHIN = 15.0
"""Seconds at the start for which requests wait for the deliveries that were missed."""

SPARE_THREADS = 8
"""Beside those of runs and requests."""

log = logging.getLogger(__name__)


async def serve(settings: BotSettings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        Misconfigured: the address or the database cannot be used.
    """
    listening = _listen(host, port)
    # Whoever packs or reads a commit waits in a thread for GitHub to give it: nobody else has to wait for that.
    threads = ThreadPoolExecutor(settings.caps.runs + AT_ONCE + SPARE_THREADS)
    asyncio.get_running_loop().set_default_executor(threads)
    async with running(settings) as (application, stop_intake):
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=CONNECTIONS,
        )
        server = _Server(config)

        def on_signal() -> None:
            log.info("asked to stop")
            _leave_in_time()
            stop_intake()
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
        await server.serve([listening])


@asynccontextmanager
async def running(settings: BotSettings) -> AsyncIterator[tuple[Starlette, Callable[[], None]]]:
    """The application, with all that works behind it, and what stops its intake, also from a signal handler."""
    async with AsyncExitStack() as stack:
        parts = await _parts(await _bot(settings, stack), stack)
        await _work(parts, stack)
        streams = Streams()

        def stop_intake() -> None:
            parts.inbox.close()
            streams.close()

        yield _application(parts, streams), stop_intake


@dataclass(frozen=True)
class _Parts:
    """What works together in one process."""

    bot: Bot
    driver: Driver
    inbox: Inbox
    hook: Hook


async def _bot(settings: BotSettings, stack: AsyncExitStack) -> Bot:
    """What the parts share, for as long as the stack lasts.

    Raises:
        Misconfigured: the database cannot be used, or has moved, or its secrets cannot be opened.
    """
    store = await stack.enter_async_context(Store.open(settings.database_url))
    await refuse_moved(store.database)
    vault = Vault(settings.secret_keys)
    # A run whose connection no key opens would be told as over while it goes on: better not to start.
    if count := await store.secrets.reseal(vault.reseal):
        log.info("%s: the first key seals %s secrets that an older one had sealed", SECRET_KEY, count)
    tracing = tracing_by(settings.telemetry, settings.github_url)
    stack.callback(tracing.close)
    directory = stack.enter_context(workspace())
    installations = Installations(settings.github_api_url, settings.app_id, settings.private_key)
    stack.callback(installations.close)
    bot = Bot(
        settings=settings,
        store=store,
        vault=vault,
        instance=await store.facts.once(INSTANCE, secrets.token_hex(8)),
        workspace=directory,
        installations=installations,
        definitions=Definitions(directory),
        tracing=tracing,
        clock=await Clock.of(
            store.facts, await store.database.now(), "shared clock" if store.database.is_shared else "clock"
        ),
    )
    stack.push_async_callback(bot.asides.leave_off)
    return bot


async def _parts(bot: Bot, stack: AsyncExitStack) -> _Parts:
    """All of them; the inbox takes deliveries already."""
    settings = bot.settings
    inbox = await stack.enter_async_context(
        Inbox.open(
            bot.store.database,
            partial(is_wanted, app_id=settings.app_id),
            on_request=partial(bot.bell.ring, Word.REQUESTS),
            now=bot.clock.now,
        )
    )
    gate = bot.installations.gate(APP)
    hook = Hook(settings.github_api_url, settings.app_id, settings.private_key, gate)
    stack.callback(hook.close)
    return _Parts(bot, Driver(bot), inbox, hook)


async def _work(parts: _Parts, stack: AsyncExitStack) -> None:
    """Begin with all that goes on by itself; it is left off in the opposite order."""
    bot, driver = parts.bot, parts.driver
    log.info("replica %s", bot.replicas.id)
    await stack.enter_async_context(bot.bell.open(partial(_hear, driver, parts.inbox)))
    await stack.enter_async_context(bot.replicas.among())
    await stack.enter_async_context(driver.driving())
    await stack.enter_async_context(tending("deeds", bot.deeds.keep_for_ever, bot.metrics))
    for name, work in (
        ("requests", partial(_deal, parts)),
        ("retention", Retention(bot.store, bot.clock.now).forget_for_ever),
        ("orphans", Orphans(bot).sweep_for_ever),
        ("pending checks", PendingChecks(bot).watch_for_ever),
    ):
        duty = partial(bot.replicas.on_duty, name, work)
        await stack.enter_async_context(tending(name, duty, bot.metrics))
    # No duty: each replica has a way of its own to them.
    await stack.enter_async_context(tending("servers", Servers(bot).ask_for_ever, bot.metrics))


def _application(parts: _Parts, streams: Streams) -> Starlette:
    bot, settings = parts.bot, parts.bot.settings
    shown = pages(
        ShownRuns(bot.store, parts.driver),
        capability_keys=bot.vault.derive_all("pages"),
        operator_token=settings.operator_token,
        public_url=settings.public_url,
        github_url=settings.github_url,
        streams=streams,
        clock=bot.clock.now,
    )
    webhook = webhook_route(parts.inbox, settings.webhook_secret.encode())
    return Starlette(routes=[webhook, *endpoints(bot, parts.driver, parts.inbox), *shown])


async def _deal(parts: _Parts) -> None:
    """Deal with requests, those among them that are read from GitHub's list.

    What came while nobody was there comes before what comes now, unless GitHub does not tell it soon.
    """
    bot, inbox = parts.bot, parts.inbox
    missed = MissedDeliveries(
        parts.hook,
        bot.store,
        inbox,
        bot.metrics,
        bot.deeds,
        every=bot.settings.deliveries_seconds,
        github=bot.contacts.github,
        now=bot.clock.now,
    )
    async with tending("missed deliveries", missed.read_for_ever, bot.metrics):
        await missed.wait(CAUGHT_UP_WITHIN)
        await Worker(bot, parts.driver, inbox.arrived).work()


def _hear(driver: Driver, inbox: Inbox, word: Word, run_id: UUID | None) -> None:
    """Do what another replica says."""
    match word:
        case Word.POKE:
            driver.look_at(run_id)
        case Word.REQUESTS:
            inbox.arrived.set()
        case Word.WAKE | Word.WATCH if run_id is None:
            return
        case Word.WAKE:
            driver.draw(run_id)
        case Word.WATCH:
            driver.show_afar(run_id)
        case _:
            assert_never(word)


def _leave_in_time() -> None:
    """End the process successfully, whatever it waits for then; the log has been written line by line."""
    leaving = threading.Timer(LEFT_WITHIN, os._exit, [Exit.SUCCESS])
    leaving.daemon = True
    leaving.start()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048, family=_family(host))
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}, port {port} ({os.strerror(error.errno) if error.errno else error}): give another --host or --port"
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class _Server(uvicorn.Server):
    """Leaves signals alone: uvicorn would raise them again before anything is tidied up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
