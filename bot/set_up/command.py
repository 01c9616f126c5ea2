"""`automation-bot setup`: makes the GitHub App with somebody's browser, and writes down its credentials."""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from automation import settings as core
from automation.errors import Misconfigured
from automation.exit_codes import Exit
from automation.github.people import LOGIN
from bot import settings
from bot.set_up.conversion import NewApp
from bot.set_up.credentials import Place
from bot.set_up.github_address import DOT_COM, api_url_of
from bot.set_up.manifest import LONGEST_NAME
from bot.set_up.routes import SetUp
from bot.set_up.serving import listen, serve
from bot.variables import Variables, is_loopback

CLOUD_WORDS = (core.CLOUD_AUTH, core.CLOUD_SANDBOX_SPEC, core.CLOUD_DEDICATED)
CLOUD = (core.CLOUD_API_KEY, core.CLOUD_API_URL, *CLOUD_WORDS)
"""Settings of a Cloud, which are written down where they are set; there are no options for them."""
HOST = "127.0.0.1"
PORT = 8089


@click.command()
@click.option(
    "--public-url",
    envvar=settings.PUBLIC_URL,
    metavar="URL",
    default="",
    help="Where the bot is reached by GitHub [required; default: $BOT_PUBLIC_URL].",
)
@click.option(
    "--agent-server-url",
    envvar=core.AGENT_SERVER_URL,
    metavar="URL",
    default="",
    help="Written beside the credentials [default: $AUTOMATION_AGENT_SERVER_URL; its key is taken from "
    "$AUTOMATION_AGENT_SERVER_API_KEY]. For Cloud sandboxes in its place: $OPENHANDS_API_KEY and $AUTOMATION_CLOUD_*.",
)
@click.option(
    "--organization", metavar="LOGIN", default="", help="Whose App it is to be [default: your own]."
)
@click.option(
    "--name",
    default="",
    help="Name of the App; can be changed on GitHub's page [default: automation-bot and a random number].",
)
@click.option(
    "--github-url",
    metavar="URL",
    default=DOT_COM,
    show_default=True,
    help="The GitHub that people see; of a GitHub Enterprise Server its address.",
)
@click.option(
    "--github-api-url",
    envvar=settings.GITHUB_API_URL,
    metavar="URL",
    default="",
    help="Its API [default: follows from --github-url].",
)
@click.option(
    "--output",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Directory for the credentials [default: here].",
)
@click.option(
    "--host",
    default=HOST,
    show_default=True,
    help="Address to listen on. With another one than this machine's own the pages are reached by the public URL, which has to lead here.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 for any free one."
)
@click.option(
    "--setup-url",
    metavar="URL",
    default="",
    help="Where your browser reaches these pages [default: the address that is listened on, "
    "or the public URL where that is not this machine's own].",
)
def setup(directory: Path, host: str, port: int, organization: str, name: str, **addresses: str) -> int:
    """Make the GitHub App in a browser and write its credentials to a file that only you can read."""
    public, github, api, pages, written = _judged(addresses, organization, name)
    # No two Apps on GitHub have one name.
    name = name or f"automation-bot-{secrets.randbelow(1_000_000):06}"
    place = Place(directory)
    place.prepare()
    with listen(host, port) as listener:
        here = f"http://{_in_url(host)}:{listener.getsockname()[1]}" if is_loopback(host) else public
        set_up = SetUp(place, pages or here, public, github, api, organization, name, written)
        app = asyncio.run(_serve(set_up, listener))
    if not place.env_file.exists():
        raise Misconfigured(
            f"the App {app.slug} was made, and its credentials could not be written; "
            f"delete it at {app.settings_url}, and start again"
        )
    click.echo(f"the App {app.slug} is made; its credentials are in {place.env_file} and {place.key_file}")
    click.echo(f"next: install it at {app.install_url}")
    click.echo(f"then: automation-bot serve --env-file {place.env_file}")
    return Exit.SUCCESS


async def _serve(set_up: SetUp, listener: socket.socket) -> NewApp:
    # Said once Ctrl-C ends it in order.
    click.echo(f"open in a browser, within the hour: {set_up.address}")
    return await serve(set_up, listener)


def _judged(
    addresses: Mapping[str, str], organization: str, name: str
) -> tuple[str, str, str, str, dict[str, str]]:
    """The bot's address, GitHub's, its API's and these pages', and settings to be written; all mistakes at once."""
    texts = {f"--{key.replace('_', '-')}": value for key, value in addresses.items()}
    texts |= {name: os.environ.get(name, "") for name in (core.AGENT_SERVER_API_KEY, *CLOUD)}
    given = Variables(texts, texts)
    public = given.url("--public-url")
    github = given.url("--github-url", default=DOT_COM)
    api = given.url("--github-api-url", default=api_url_of(github))
    pages = given.url("--setup-url") if texts["--setup-url"] else ""
    written = {
        settings.PUBLIC_URL: public,
        settings.GITHUB_API_URL: "" if api == settings.GITHUB_DOT_COM else api,
        core.AGENT_SERVER_URL: given.server_url("--agent-server-url"),
        core.AGENT_SERVER_API_KEY: given.key(core.AGENT_SERVER_API_KEY),
        core.CLOUD_API_KEY: given.key(core.CLOUD_API_KEY),
        core.CLOUD_API_URL: given.server_url(core.CLOUD_API_URL),
        **{name: given.text(name) for name in CLOUD_WORDS},
    }
    if organization and not LOGIN.fullmatch(organization):
        given.refuse("--organization", "expected the name of an organisation as it stands in its address")
    if len(name) > LONGEST_NAME or not name.isprintable():
        given.refuse("--name", f"expected at most {LONGEST_NAME} characters on one line")
    if public and _is_here(public) and not _is_here(github):
        given.refuse(
            "--public-url",
            "GitHub cannot reach this machine's own address; expected a public https URL, such as a tunnel's",
        )
    if given.complaints:
        raise Misconfigured("\n".join(given.complaints))
    return public, github, api, pages, written


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
