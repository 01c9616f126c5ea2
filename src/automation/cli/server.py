"""`automation server`: an agent-server to point at, and whether one is in good order."""

import asyncio
import json
import shlex
import signal
from contextlib import suppress

import click

from automation.agent_server import AgentServer
from automation.backends.embedded import EmbeddedServer
from automation.cli.options import json_option, settings
from automation.connection import AgentConnection, connect_to
from automation.errors import AutomationError, Misconfigured
from automation.exit_codes import Exit
from automation.run.patience import FIRST_CONTACT, Patience
from automation.sentences import one_line
from automation.settings import AGENT_SERVER_API_KEY, AGENT_SERVER_URL

WATCH_EVERY = 5.0
MACHINE = """printf 'bash=%s\\n' "$(bash -c 'echo $BASH_VERSION' 2>/dev/null)"
for tool in tar git; do printf '%s=%s\\n' "$tool" "$(command -v $tool)"; done
printf 'workspaces=%s\\n' "${OH_WORKSPACE_PATH:-$HOME/.openhands/workspaces}" """


@click.group()
def server() -> None:
    """Start an agent-server, or look at one."""


@server.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any free one."
)
@json_option
def start(port: int, *, as_json: bool) -> int:
    """Start an agent-server on loopback and keep it until Ctrl-C.

    Its key is $AUTOMATION_AGENT_SERVER_API_KEY, or a new random one, which is printed. Its directories are
    temporary and go with it.
    """
    return asyncio.run(
        _serve(EmbeddedServer(port, settings(None).agent_server_api_key, waiting=_waiting), as_json=as_json)
    )


@server.command()
@click.argument("url")
@json_option
def status(url: str, *, as_json: bool) -> int:
    """Say whether the agent-server at URL is healthy and fit for runs, or what is wrong."""
    facts, problem, code = asyncio.run(_examine(connect_to(url, settings(None).agent_server_api_key)))
    if as_json:
        click.echo(json.dumps({"url": url, "healthy": not problem, "problem": problem} | facts, indent=2))
        return code
    for name, fact in facts.items():
        click.echo(f"{name:12}{fact}")
    click.echo(f"{'healthy' if not problem else f'not fit for runs: {problem}'}")
    return code


async def _serve(embedded: EmbeddedServer, *, as_json: bool) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    ready = False

    def end() -> None:
        if ready:
            ended.set()
        else:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end)
    try:
        async with embedded.connect() as connection:
            ready = True
            if as_json:
                click.echo(json.dumps({"url": connection.url, "session_key": connection.session_key}))
            else:
                click.echo(f"export {AGENT_SERVER_URL}={connection.url}")
                click.echo(f"export {AGENT_SERVER_API_KEY}={shlex.quote(connection.session_key)}")
                click.echo("the agent-server is ready; Ctrl-C ends it", err=True)
            async with AgentServer(connection) as agent_server:
                while not ended.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), WATCH_EVERY)
                    await Patience(FIRST_CONTACT).bear(agent_server.info)
    except asyncio.CancelledError:
        return Exit.CANCELLED
    return Exit.SUCCESS


async def _examine(connection: AgentConnection) -> tuple[dict[str, str], str, Exit]:
    facts: dict[str, str] = {}
    try:
        async with AgentServer(connection) as agent_server:
            info = await agent_server.info()
            facts["version"] = one_line(str(info.get("version", "unknown")))
            facts["uptime"] = one_line(f"{info.get('uptime', 'unknown')} s")
            facts["ready"] = "yes" if await agent_server.is_ready() else "not yet"
            machine = await agent_server.execute(MACHINE, timeout=10)
            facts |= dict(line.split("=", 1) for line in machine.stdout.splitlines() if "=" in line)
    except Misconfigured as error:
        return facts, error.sentence, Exit.USAGE
    except AutomationError as error:
        return facts, error.sentence, Exit.SERVER
    missing = [tool for tool in ("bash", "tar") if not facts.get(tool)]
    if missing:
        return facts, f"its machine has no {' and no '.join(missing)}", Exit.SERVER
    if facts["ready"] != "yes":
        return facts, "it is still starting", Exit.SERVER
    return facts, "", Exit.SUCCESS


def _waiting(seconds: float) -> None:
    if round(seconds) % 5 == 2:  # noqa: PLR2004
        click.echo(f"starting ({seconds:.0f} s; about 10 s are usual)", err=True)
