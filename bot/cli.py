"""The command line: `automation-bot serve | setup | check | migrate | new-key | version`.

Exit codes: 0 success, 1 `check` found something wrong, 2 usage or configuration, 3 trouble with GitHub or a server,
130 cancelled. Every expected failure is a sentence on standard error, one line for each thing that is wrong.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from automation import __version__
from automation.cli.lazy import LazyGroup
from automation.errors import AutomationError
from automation.exit_codes import Exit, exit_code
from bot.env_file import with_file
from bot.log import log_to_stderr
from bot.settings import BotSettings
from bot.vault import new_key as make_key

HOST = "127.0.0.1"
PORT = 8080
COMMANDS = {
    "serve": "bot.cli:serve",
    "setup": "bot.set_up.command:setup",
    "check": "bot.examination.command:check",
    "migrate": "bot.migration:migrate",
    "new-key": "bot.cli:new_key",
    "version": "bot.cli:version",
}

log = logging.getLogger(__name__)


@click.group(cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="automation-bot")
def cli() -> None:
    """Run a repository's automations on comments and events of its pull requests.

    \b
    Settings are read from BOT_* and AUTOMATION_* variables; bot/README.md has them all.
    Exit codes: 0 success, 1 check found something wrong, 2 usage or configuration,
    3 trouble with GitHub or a server, 130 cancelled.
    """  # noqa: D301  # click reads the \b


def env_file_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--env-file",
        envvar="BOT_ENV_FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings that the environment lacks, as NAME=value lines; `automation-bot setup` writes one "
        "[default: $BOT_ENV_FILE, or none].",
    )(function)


@click.command()
@click.option("--host", default=HOST, show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@env_file_option
def serve(host: str, port: int, env_file: Path | None) -> int:
    """Serve webhooks and pages until SIGTERM or Ctrl-C."""
    settings = BotSettings.from_environment(with_file(os.environ, env_file))
    # Imported once the settings are right: what is wrong with them is said at once.
    from bot.app import serve as serve_app  # noqa: PLC0415

    log_to_stderr(settings.secrets, settings.log_format)
    log.info("%s", first_line(settings))
    asyncio.run(serve_app(settings, host, port))
    return Exit.SUCCESS


@click.command("new-key")
def new_key() -> int:
    """Print a random key for BOT_SECRET_KEY."""
    click.echo(make_key())
    return Exit.SUCCESS


@click.command()
def version() -> int:
    """Print the version."""
    click.echo(__version__)
    return Exit.SUCCESS


def first_line(settings: BotSettings) -> str:
    """Who serves what, without a secret: the log's first line."""
    core = settings.core
    forks = core.fork_agent_server_url
    if core.is_cloud_mode:
        where = f"backend cloud {core.cloud_account().url}, forks in sandboxes, too"
    else:
        where = f"backend agent-server {core.agent_server_url}, {f'forks on {forks}' if forks else 'no server for forks'}"
    return (
        f"automation-bot {__version__}: GitHub App {settings.app_id} at {settings.github_api_url}, {where}, "
        f"database {settings.database_name}, public URL {settings.public_url}"
    )


def main() -> None:
    """Entry point: every expected failure is a sentence on standard error."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("cancelled", err=True)
        sys.exit(Exit.CANCELLED)
    except AutomationError as error:
        for line in error.sentence.splitlines():
            click.echo(f"error: {line}", err=True)
        sys.exit(exit_code(error.reason))
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter must not complain about it at exit.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
        sys.exit(Exit.CANCELLED)
