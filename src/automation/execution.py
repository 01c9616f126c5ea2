"""The public functions: run, dispatch and verify an automation that is given as a tarball.

The names and signatures are those of OpenHands' automation service, so that code written for it keeps
working. Trouble is told by the result, not by exceptions. A cancelled `run_automation` ends its run on the
server; a cancelled `dispatch_automation` may have started it: ask `verify_run_status`.

    result = await run_automation(
        api_url="", api_key="", entrypoint="python main.py", tarball_source=tarball, env_vars={},
        run_id="nightly-1", agent_server_url="http://127.0.0.1:8000", agent_server_api_key=key,
    )
    assert result.success, result.error
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from automation.agent_server import AgentServer, BashEvents
from automation.backends.cloud import CloudSandbox
from automation.backends.giving_back import give_back
from automation.backends.sandbox_connection import SandboxGone, find
from automation.cloud import Cloud, CloudAccount, CloudAuth, CloudRefuses, account_of
from automation.connection import AgentConnection
from automation.errors import AutomationError, ServerUnavailable
from automation.execution_order import backend_of, order_of, secrets_in, server_at
from automation.execution_results import DispatchResult, RunResult, RunState, RunStatus
from automation.observation import Process
from automation.run.commands import run_key
from automation.run.conduct import Conductor
from automation.run.observe import observe
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.progress import Silent
from automation.run.start import Order, Started, start
from automation.run.stop import look_settled, release
from automation.verdict import Verdict, judge

__all__ = [
    "DispatchResult",
    "RunResult",
    "RunState",
    "RunStatus",
    "dispatch_automation",
    "run_automation",
    "verify_run_status",
]

DEFAULT_TIMEOUT = 600.0


async def run_automation(
    *,
    api_url: str,
    api_key: str,
    entrypoint: str,
    tarball_source: bytes | str,
    env_vars: Mapping[str, str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,  # the run's deadline on the server, not ours
    callback_url: str | None = None,
    run_id: str | None = None,
    keep_sandbox: bool = False,
    work_dir: str | None = None,
    agent_server_url: str | None = None,
    agent_server_api_key: str | None = None,
    api_auth: CloudAuth = CloudAuth.BEARER,
) -> RunResult:
    """Run a tarball and wait for its end.

    Args:
        api_url, api_key: the Cloud API, empty for the public one; never contacted where `agent_server_url` is set.
        entrypoint: shell command, run in the unpacked tarball after its `setup.sh`, if it has one.
        tarball_source: tar.gz as bytes, or the https URL of one.
        env_vars: more environment for the run.
        timeout: seconds that the run may take.
        callback_url: becomes `AUTOMATION_CALLBACK_URL`.
        run_id: any string; while a run of this id is under way or kept, it is followed, not started again. Default: a new one.
        keep_sandbox: leave what was made for the run: the sandbox, or its directory on the server.
        work_dir: directory on the server under which run directories are made.
        agent_server_url, agent_server_api_key: the server; an empty key is legal. Without a server, the run gets a
            sandbox of its own.
        api_auth: how the Cloud API is shown its key.
    """
    try:
        order = await order_of(entrypoint, tarball_source, env_vars, timeout, callback_url, run_id, work_dir)
        notes: list[str] = []
        backend = backend_of(
            order,
            agent_server_url,
            agent_server_api_key,
            api_url,
            api_key,
            api_auth,
            keep=keep_sandbox,
            note=notes.append,
        )
        async with backend.connect() as connection:
            outcome = await Conductor(
                connection, order, secrets=[api_key, *secrets_in(env_vars)], keep=keep_sandbox
            ).conduct()
    except AutomationError as error:
        return RunResult(success=False, error=error.sentence, reason=error.reason)
    verdict = outcome.verdict
    return RunResult(
        success=verdict.is_success,
        sandbox_id=connection.sandbox_id,
        exit_code=verdict.exit_code,
        stdout=outcome.output.text(),
        stderr="\n".join([*filter(None, [outcome.log.rstrip("\n")]), *notes]),
        error=None if verdict.is_success else verdict.sentence,
        reason=verdict.reason,
        truncated=outcome.output.truncated,
    )


async def dispatch_automation(
    *,
    api_url: str,
    api_key: str,
    entrypoint: str,
    tarball_source: bytes | str,
    env_vars: Mapping[str, str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    callback_url: str | None = None,
    run_id: str | None = None,
    keep_sandbox: bool = False,
    work_dir: str | None = None,
    agent_server_url: str | None = None,
    agent_server_api_key: str | None = None,
    api_auth: CloudAuth = CloudAuth.BEARER,
) -> DispatchResult:
    """Start a tarball and return at once; `verify_run_status` tells what became of it.

    The arguments are those of `run_automation`. The run's directory stays on the server, its sandbox in the Cloud:
    whoever knows its end deletes it (`verify_run_status` with `remove`). It is deleted if the run is not started.
    """
    del keep_sandbox
    try:
        order = await order_of(entrypoint, tarball_source, env_vars, timeout, callback_url, run_id, work_dir)
        backend = backend_of(
            order, agent_server_url, agent_server_api_key, api_url, api_key, api_auth, keep=False
        )
        async with backend.connect() as connection:
            started = await _started(connection, order)
            if isinstance(backend, CloudSandbox):
                backend.keep = True
    except AutomationError as error:
        return DispatchResult(success=False, error=error.sentence)
    if started.adopted and started.place.claim == "stop":
        return DispatchResult(
            success=False, error="a run of this id was stopped before it started, and never will"
        )
    return DispatchResult(success=True, sandbox_id=connection.sandbox_id, command_id=started.command_id)


async def _started(connection: AgentConnection, order: Order) -> Started:
    async with AgentServer(connection) as server:
        patience = Patience(FIRST_CONTACT)
        info = await patience.bear(server.info)
        events = BashEvents(connection)
        return await start(server, events, order, str(info.get("sdk_version", "")), patience, Silent())


async def verify_run_status(
    *,
    run_id: str,
    api_url: str = "",
    api_key: str = "",
    agent_server_url: str | None = None,
    agent_server_api_key: str | None = None,
    work_dir: str | None = None,
    remove: bool = False,
    sandbox_id: str | None = None,
    api_auth: CloudAuth = CloudAuth.BEARER,
) -> RunStatus:
    """What became of a run, asked by its id from anywhere that reaches the server; changes nothing.

    Args:
        api_url, api_key, api_auth: the Cloud API; never contacted where `agent_server_url` is set.
        sandbox_id: the sandbox that the run is in, where it is in one.
        remove: remove the run's directory, or its sandbox, unless it still runs; nothing is known of it from then on.
            Where the sandbox could not be deleted, `error` says so.
    """
    account: CloudAccount | None = None
    try:
        if agent_server_url or not sandbox_id:
            connection = server_at(agent_server_url, agent_server_api_key)
        else:
            account = account_of(api_url, api_key, api_auth)
            connection = await Patience(FIRST_CONTACT).bear(partial(find, sandbox_id, account))
        status = await _status(connection, run_id, work_dir, remove=remove and account is None)
    except SandboxGone as error:
        status = RunStatus(RunState.GONE, error=error.sentence, reason=error.reason)
    except (ServerUnavailable, CloudRefuses) as error:
        return RunStatus(RunState.UNREACHABLE, error=error.sentence, reason=error.reason)
    except AutomationError as error:
        return RunStatus(RunState.UNKNOWN, error=error.sentence, reason=error.reason)
    if remove and account is not None and sandbox_id and status.state is not RunState.RUNNING:
        return await _without_sandbox(status, sandbox_id, account)
    return status


async def _status(
    connection: AgentConnection, run_id: str, work_dir: str | None, *, remove: bool
) -> RunStatus:
    """What the server says of a run, whose directory is removed from it if it has ended."""
    key = run_key(run_id)
    patience = Patience(FIRST_CONTACT)
    async with AgentServer(connection) as server:
        now = await patience.bear(lambda: look_settled(server, key, work_dir))
        if now.process is Process.ALIVE:
            return RunStatus(RunState.RUNNING)
        if now.process is Process.UNKNOWN:
            status = RunStatus(RunState.UNKNOWN, error=f"the agent-server knows no run '{run_id}'")
        else:
            status = _ended(judge(await patience.bear(lambda: observe(server, now))))
        if remove and now.exists:
            await patience.bear(lambda: release(server, key, work_dir))
    return status


async def _without_sandbox(status: RunStatus, sandbox_id: str, account: CloudAccount) -> RunStatus:
    """The status, once the run's sandbox is deleted; or with why it is not."""
    try:
        async with Cloud(account) as cloud:
            await give_back(cloud, sandbox_id)
    except AutomationError as error:
        said = [status.error, f"the sandbox {sandbox_id} is not deleted: {error.sentence}"]
        return replace(status, error="; ".join(filter(None, said)))
    return status


def _ended(verdict: Verdict) -> RunStatus:
    return RunStatus(
        RunState.COMPLETED if verdict.is_success else RunState.FAILED,
        verdict.exit_code,
        verdict.reason,
        None if verdict.is_success else verdict.sentence,
    )
