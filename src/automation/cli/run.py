"""`automation run`: its options. What it takes to run is imported once they are known to be right."""

from pathlib import Path
from typing import Any

import click

from automation.backends import BackendName
from automation.cli.options import (
    automations_path_option,
    cloud_option,
    json_option,
    repository_option,
    run_directory_option,
    server_option,
)
from automation.defaults import OUTPUT_LIMIT, PATIENCE
from automation.settings import AGENT_SERVER_URL, CLOUD_API_KEY, CLOUD_API_URL, PATIENCE_SECONDS


@click.command()
@click.argument("automation", metavar="NAME|PATH")
@server_option
@cloud_option
@click.option(
    "--backend",
    type=click.Choice([name.value for name in BackendName]),
    help="agent-server: one that runs; cloud: a sandbox that is made for this run; embedded: a server that is started "
    f"for this run on loopback [default: agent-server if ${AGENT_SERVER_URL} is set, cloud if ${CLOUD_API_KEY} "
    f"or ${CLOUD_API_URL} is, otherwise embedded].",
)
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input that the automation declares."
)
@click.option(
    "--env", "environment", multiple=True, metavar="NAME=VALUE", help="One more variable for the run."
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="Pass $NAME on, if the automation lists it, and mask its value everywhere.",
)
@click.option("--sha", "revision", metavar="REV", default="", help="Commit to run at [default: HEAD].")
@click.option("--base", metavar="REV", default="", help="Commit to compare with; gives AUTOMATION_CHANGES.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Instead of the automation's own.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE,
    show_default=True,
    envvar=PATIENCE_SECONDS,
    show_envvar=True,
    metavar="SECONDS",
    help="How long a lost server is borne before the verdict is server-lost.",
)
@click.option(
    "--output-limit",
    type=click.IntRange(min=1),
    default=OUTPUT_LIMIT // 1024 // 1024,
    show_default=True,
    metavar="MIB",
    help="Output after which the run is ended.",
)
@click.option(
    "--run-id",
    metavar="ID",
    help="While a run of this id is under way or kept, follow it instead of starting again [default: a new one].",
)
@run_directory_option
@click.option(
    "--keep", is_flag=True, help="Leave what was made for the run: its directory on the server, its sandbox."
)
@repository_option
@automations_path_option
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the Markdown report, as a check run would show it, to this file.",
)
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Only the automation's output and errors.")
def run(**options: Any) -> int:
    """Run an automation of this repository and follow it to its end.

    Its output appears live on standard output, everything else on standard error. Ctrl-C stops it on the
    server, too; a second Ctrl-C does not wait for that.
    """
    from automation.cli.job import run_job  # heavy

    return run_job(**options)
