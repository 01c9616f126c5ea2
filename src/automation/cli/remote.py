"""`automation verify` and `automation stop`: what became of a run, and ending it, from anywhere by its id."""

import asyncio
import json
from typing import Any

import click

from automation.agent_server import AgentServer
from automation.backends.sandbox_connection import find
from automation.cli.options import (
    account_in,
    cloud_option,
    connection,
    json_option,
    run_directory_option,
    sandbox_option,
    server_option,
    settings,
)
from automation.cli.sandbox_files import SandboxFiles
from automation.errors import Misconfigured
from automation.execution import RunState, verify_run_status
from automation.exit_codes import Exit, exit_code
from automation.observation import Cause, Process
from automation.reasons import Reason
from automation.run.commands import Look, run_key
from automation.run.patience import FIRST_CONTACT, Patience
from automation.run.stop import look
from automation.run.stop import stop as stop_run
from automation.settings import Settings

NOT_ENDED = {
    RunState.RUNNING: Exit.RUNNING,
    RunState.UNKNOWN: Exit.USAGE,
    RunState.UNREACHABLE: Exit.SERVER,
    RunState.GONE: Exit.SERVER,
}


@click.command()
@click.argument("run_id", metavar="RUN")
@server_option
@cloud_option
@sandbox_option
@run_directory_option
@click.option(
    "--remove",
    is_flag=True,
    help="Remove the run's directory, or the sandbox that it is in, once it has ended.",
)
@json_option
def verify(
    run_id: str,
    agent_server_url: str | None,
    cloud_api_url: str | None,
    sandbox_id: str | None,
    run_directory: str | None,
    *,
    remove: bool,
    as_json: bool,
) -> int:
    """Say what became of a run, read again from the server.

    Known are runs that are under way, runs that were kept (--keep), and runs whose client died.
    """
    given = settings(agent_server_url, cloud_api_url)
    sandbox_id = sandbox_id or _remembered(run_id, given)
    where: dict[str, Any]
    if sandbox_id is not None:
        account = account_in(given)
        where = {
            "api_url": account.url,
            "api_key": account.key,
            "api_auth": account.auth,
            "sandbox_id": sandbox_id,
        }
    else:
        server = connection(agent_server_url)
        where = {"agent_server_url": server.url, "agent_server_api_key": server.session_key}
    status = asyncio.run(verify_run_status(run_id=run_id, work_dir=run_directory, remove=remove, **where))
    if as_json:
        fields = {
            "state": status.state,
            "exit_code": status.exit_code,
            "reason": status.reason,
            "error": status.error,
        }
        click.echo(json.dumps({"run_id": run_id} | fields, indent=2))
    else:
        click.echo(f"{status.state}{f'  {status.error}' if status.error else ''}")
    return NOT_ENDED.get(status.state) or exit_code(Reason(status.reason))


@click.command()
@click.argument("run_id", metavar="RUN")
@server_option
@cloud_option
@sandbox_option
@run_directory_option
@json_option
def stop(
    run_id: str,
    agent_server_url: str | None,
    cloud_api_url: str | None,
    sandbox_id: str | None,
    run_directory: str | None,
    *,
    as_json: bool,
) -> int:
    """End a run on its server, with everything that it started. Its sandbox, where it has one, stays."""
    given = settings(agent_server_url, cloud_api_url)
    sandbox_id = sandbox_id or _remembered(run_id, given)
    left = asyncio.run(_stop(agent_server_url, given, sandbox_id, run_id, run_directory))
    if as_json:
        click.echo(
            json.dumps({"run_id": run_id, "state": left.process, "processes": left.processes}, indent=2)
        )
    else:
        click.echo(_sentence(left))
    return Exit.SERVER if left.process is Process.ALIVE or left.processes else Exit.SUCCESS


def _remembered(run_id: str, given: Settings) -> str | None:
    """The sandbox that this machine remembers of a run, in the account that is given."""
    if not given.is_cloud_mode:
        return None
    memo, url = SandboxFiles.open().memo(str(run_key(run_id))), given.cloud_account().url
    if memo is None or not memo.sandboxes or memo.api_url != url:
        raise Misconfigured(
            f"this machine remembers no sandbox of run '{run_id}' in the Cloud at {url}: give --sandbox "
            "(`automation sandboxes` lists those of the account)"
        )
    return memo.sandboxes[-1]


async def _stop(
    agent_server_url: str | None,
    given: Settings,
    sandbox_id: str | None,
    run_id: str,
    run_directory: str | None,
) -> Look:
    if sandbox_id is not None:
        found = await find(sandbox_id, account_in(given))
    else:
        found = connection(agent_server_url)
    async with AgentServer(found) as server:
        key = run_key(run_id)
        patience = Patience(FIRST_CONTACT)
        before = await patience.bear(lambda: look(server, key, run_directory))
        left = await patience.bear(
            lambda: stop_run(server, key, run_directory, Cause.CANCELLED, forestall=False)
        )
    # Whoever follows it may have removed it as soon as it had ended.
    if not (before.exists or left.exists):
        raise Misconfigured(
            f"the agent-server knows no run '{run_id}': it never began, or was removed after its end"
        )
    return left


def _sentence(left: Look) -> str:
    if left.process is Process.NEVER_STARTED:
        return "stopped: it had not started, and never will"
    if left.processes or left.process is Process.ALIVE:
        return f"{left.processes} of its processes could not be ended"
    return "stopped: nothing of it runs on the server"
