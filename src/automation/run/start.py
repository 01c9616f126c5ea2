"""Carry a run to its server and start it: prepare, upload, start, each repeatable, the start effective once.

Whatever dies or is lost in between, doing it all again is safe: the directory is found or made, the payload
has a name of its own, and of any number of starts only the first one's claim counts. A start that came
second adopts the run that is there.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from automation.agent_server import AgentServer, BashEvents
from automation.connection import AgentConnection
from automation.defaults import OUTPUT_LIMIT
from automation.errors import Misconfigured, ServerUnavailable
from automation.finishing import to_its_end
from automation.room import room_in
from automation.run.commands import (
    RUNNER,
    Place,
    parse_place,
    prepare_command,
    run_key,
    sdk_version_file,
    start_command,
)
from automation.run.environment import Subject, environment_file, run_environment
from automation.run.patience import Patience
from automation.run.payload import Content, write_payload
from automation.run.progress import Phase, Progress

SHORT = 30.0
"""Seconds that making the run's directory may take on the server."""
ARRIVES_WITHIN = 2.0
"""Seconds that whoever is stopped waits for what is on its way: it would make the run's directory after its removal."""
BACKSTOP = 90.0
"""Seconds beyond time-out and grace after which the server itself ends the run."""
NEVER = -1
"""In place of a connection's number: there was none when the start was sent."""
MIB = 1024 * 1024
IN_MEMORY = 4 * MIB
"""Bytes of a payload above which it is put together on the disk."""


@dataclass(frozen=True)
class Order:
    """A run to be made.

    Attributes:
        run_id: any string; the same id is started once at the most while its directory is there.
        entrypoint: shell command, run in the unpacked bundle.
        bundle: the automation's tar.gz.
        repository: more files for the runner: `repository.tar.gz`, `repository.bundle` with
            `repository.shallow`, `changes.patch`.
        variables: environment of this run on top of what every run gets; may hold secrets.
        keys: names of the keys of server and Cloud that the run gets, see `AgentConnection.keys`.
        timeout: seconds that set-up and entrypoint may take together.
        grace: seconds between TERM and KILL.
        output_limit: bytes of output after which the run is ended.
        outputs: names that the automation has to report.
        keeps_sandbox: where it runs in a sandbox, that is to stay.
        base: directory on the server under which `automation-runs` stands; None for the server's own.
        owner: whose run it is, for whoever has to end it without having started it; empty for nobody's.
    """

    run_id: str
    entrypoint: str
    bundle: Content
    subject: Subject = field(default_factory=Subject)
    repository: Mapping[str, Content] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    callback_url: str = ""
    keys: frozenset[str] = frozenset()
    timeout: float = 600
    grace: float = 5
    output_limit: int = OUTPUT_LIMIT
    outputs: tuple[str, ...] = ()
    keeps_sandbox: bool = False
    base: str | None = None
    owner: str = ""

    @property
    def key(self) -> UUID:
        return run_key(self.run_id)


@dataclass(frozen=True)
class Started:
    """A run that was started, by us or by whoever came first.

    Attributes:
        command_id: the server's id of the command; None if the server does not know it any more.
        adopted: somebody else started it, or stopped it before it started.
        announced_since: the socket's connection that was there before the start was sent; nothing that
            it announces can have been missed while it lasts.
    """

    key: UUID
    place: Place
    command_id: str | None
    base: str | None = None
    adopted: bool = False
    announced_since: int = NEVER
    output_limit: int = OUTPUT_LIMIT


async def always_allowed() -> None:
    """Default of `may_start`: no other driver competes."""


async def start(
    server: AgentServer,
    events: BashEvents,
    order: Order,
    sdk_version: str,
    patience: Patience,
    progress: Progress,
    may_start: Callable[[], Awaitable[None]] = always_allowed,
) -> Started:
    """Start the run, or adopt it if it was started before.

    Args:
        sdk_version: the server's, for `AUTOMATION_API_URL`.
        may_start: called after the upload, right before the start is sent. A driver that was suspended while
            another one finished the run and removed its directory, and the claim with it, must raise here, or the
            run would start twice.

    Raises:
        ServerUnavailable: the server did not do its part.
        Misconfigured: wrong key, not an agent-server, a machine without bash, no room there.
        NoRoom: there is none here for what is to be sent.
    """
    progress.enter(Phase.PREPARE)
    place = await patience.bear(lambda: _prepare(server, order))
    if place.claim:
        server.trust()
        command_id = await patience.bear(lambda: find_start(server, place.claim))
        return Started(
            order.key, place, command_id, order.base, adopted=True, output_limit=order.output_limit
        )
    token = uuid4().hex
    with room_in(), tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as payload:
        files = _files(server.connection, order, place, sdk_version)
        size = await asyncio.to_thread(write_payload, files, payload)
        progress.enter(Phase.UPLOAD, f"{max(size // 1024, 1)} KiB")
        if place.free is not None and place.free < 3 * size:
            raise Misconfigured(
                f"the agent-server's disk has {place.free // MIB} MiB free at {place.directory}, and this run "
                f"needs about {3 * size // MIB} MiB; make room there or send less"
            )
        path = place.path(f"payload-{token}.tar")
        await patience.bear(lambda: to_its_end(server.upload(path, payload), ARRIVES_WITHIN))
    await may_start()
    # It has taken all that it was sent. What may have been started is not given up for a proxy's refusal.
    server.trust()
    progress.enter(Phase.START)
    announced_since = events.connections if events.connected.is_set() else NEVER
    command_id = await _start(server, order, place, token, patience)
    return Started(
        order.key,
        place,
        command_id,
        order.base,
        output_limit=order.output_limit,
        announced_since=announced_since,
    )


async def find_start(server: AgentServer, token: str, *, unless: Collection[str] = ()) -> str | None:
    """The server's id of a command that was to start the payload of this token, if it still knows one.

    Args:
        unless: commands that came second. A start that arrives twice is two commands, and the first one counts.
    """
    if token == "stop":  # noqa: S105
        return None
    return await server.find_command(f"payload-{token}.tar", unless=unless)


async def _prepare(server: AgentServer, order: Order) -> Place:
    preparing = server.execute(prepare_command(order.key, order.base), timeout=SHORT)
    record = await to_its_end(preparing, ARRIVES_WITHIN)
    if record.exit_code != 0:
        said = (record.stderr or record.stdout).strip()[-300:]
        raise Misconfigured(
            f"the run's directory cannot be made on the agent-server's machine ({said}); "
            "check the working directory that is set for runs and its permissions"
        )
    return parse_place(record.stdout)


def _files(connection: AgentConnection, order: Order, place: Place, sdk_version: str) -> dict[str, Content]:
    variables = run_environment(
        order.run_id,
        place.directory,
        order.subject,
        connection,
        callback_url=order.callback_url,
        has_repository=bool({"repository.tar.gz", "repository.bundle"} & set(order.repository)),
        has_changes="changes.patch" in order.repository,
    )
    variables |= {name: value for name, value in connection.keys.items() if name in order.keys}
    # By these names the runner knows the run's processes and its result: nobody else may set them.
    protocol = {name: variables[name] for name in ("AUTOMATION_RESULT", "AUTOMATION_SUMMARY")}
    files: dict[str, Content] = {
        "runner.sh": RUNNER.encode(),
        "environment": environment_file({**variables, **order.variables, **protocol}),
        "entrypoint": order.entrypoint.encode(),
        "api/sdk-version": sdk_version_file(sdk_version),
        "bundle.tar.gz": order.bundle,
    }
    if order.owner:
        files["owner"] = order.owner.encode()
    if order.subject.event is not None:
        files["event.json"] = json.dumps(order.subject.event).encode()
    return files | dict(order.repository)


async def _start(server: AgentServer, order: Order, place: Place, token: str, patience: Patience) -> str:
    command = start_command(
        place,
        token,
        timeout=order.timeout,
        grace=order.grace,
        limit=order.output_limit,
        outputs=order.outputs,
    )
    backstop = order.timeout + order.grace + BACKSTOP
    try:
        return await server.start(command, timeout=backstop)
    except ServerUnavailable as error:
        await patience.wait_after(error)
    # The answer is lost, perhaps not the effect. Starting again is harmless, but a second command's
    # record would tell of a claim that was taken, so the first one is looked for before.
    if found := await patience.bear(lambda: find_start(server, token)):
        return found
    return await patience.bear(lambda: server.start(command, timeout=backstop))
