"""The command line: `automation run | list | check | verify | stop | sandboxes | server`.

Exit codes: 0 success, 1 the automation failed, 2 usage or configuration, 3 server trouble,
4 the run has not ended (verify), 130 cancelled.
"""

import os
import sys

import click

from automation import __version__
from automation.cli.lazy import LazyGroup
from automation.errors import AutomationError
from automation.exit_codes import Exit, exit_code

COMMANDS = {
    "run": "automation.cli.run:run",
    "list": "automation.cli.catalogue:list_",
    "check": "automation.cli.catalogue:check",
    "verify": "automation.cli.remote:verify",
    "stop": "automation.cli.remote:stop",
    "sandboxes": "automation.cli.sandboxes:sandboxes",
    "server": "automation.cli.server:server",
    "action": "automation.cli.action:action",
}


@click.group(cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="automation")
def cli() -> None:
    """Run a repository's automations on an agent-server or in a Cloud sandbox, and tell the truth about how they ended.

    \b
    Exit codes: 0 success, 1 the automation failed, 2 usage or configuration,
    3 server trouble, 4 the run has not ended (verify), 130 cancelled.
    """  # noqa: D301  # click reads the \b


def main() -> None:
    """Entry point: every expected failure is one sentence on standard error."""
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
        click.echo(f"error: {error.sentence}", err=True)
        sys.exit(exit_code(error.reason))
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter must not complain about it at exit.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
        sys.exit(Exit.CANCELLED)
