"""Options and small parsers that several commands share."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from automation.cloud import CloudAccount
from automation.connection import AgentConnection, connect_to
from automation.errors import Misconfigured
from automation.settings import (
    AGENT_SERVER_API_KEY,
    AGENT_SERVER_URL,
    CLOUD_API_KEY,
    CLOUD_API_URL,
    Settings,
)

type Decorated = Callable[..., Any]

KEY_HINT = f"The server's key is read from ${AGENT_SERVER_API_KEY}; it has no option, because command lines are public."


def server_option(function: Decorated) -> Decorated:
    return click.option(
        "--agent-server-url",
        metavar="URL",
        help=f"The agent-server to use [default: ${AGENT_SERVER_URL}]. {KEY_HINT}",
    )(function)


def cloud_option(function: Decorated) -> Decorated:
    return click.option(
        "--cloud-api-url",
        metavar="URL",
        help=f"The Cloud API whose sandboxes are meant [default: ${CLOUD_API_URL}, or OpenHands Cloud]. "
        f"Its key is read from ${CLOUD_API_KEY}.",
    )(function)


def sandbox_option(function: Decorated) -> Decorated:
    return click.option(
        "--sandbox",
        "sandbox_id",
        metavar="ID",
        help="The Cloud sandbox that the run is in, instead of an agent-server "
        "[default: the one that this machine remembers of the run, if any].",
    )(function)


def run_directory_option(function: Decorated) -> Decorated:
    return click.option(
        "--run-directory",
        metavar="PATH",
        help="Directory on the server under which runs are made "
        "[default: the server's $OH_WORKSPACE_PATH, or ~/.openhands/workspaces].",
    )(function)


def repository_option(function: Decorated) -> Decorated:
    return click.option(
        "--repository",
        "-C",
        "directory",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".",
        help="The checkout to work in [default: here].",
    )(function)


def automations_path_option(function: Decorated) -> Decorated:
    return click.option(
        "--automations-path",
        metavar="PATH",
        help="Where automations are, relative to the repository [default: .openhands/automations and automations].",
    )(function)


def json_option(function: Decorated) -> Decorated:
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        function
    )


def settings(agent_server_url: str | None = None, cloud_api_url: str | None = None) -> Settings:
    """Settings from the environment, the option before the variable. The key of one address is not sent to another."""
    environment = dict(os.environ)
    for url, given, key in (
        (AGENT_SERVER_URL, agent_server_url, AGENT_SERVER_API_KEY),
        (CLOUD_API_URL, cloud_api_url, CLOUD_API_KEY),
    ):
        if given is None:
            continue
        known = environment.get(url, "").strip().rstrip("/")
        if known and known != given.strip().rstrip("/") and environment.pop(key, ""):
            click.echo(f"note: ${key} is not sent, because ${url} names another address", err=True)
        environment[url] = given
    return Settings.from_environment(environment)


def account_in(given: Settings) -> CloudAccount:
    """The Cloud account that a command about sandboxes needs.

    Raises:
        Misconfigured: none is given.
    """
    if not (given.cloud_api_key or given.cloud_api_url):
        raise Misconfigured(
            f"which account? Set {CLOUD_API_KEY}, or for an app server without a key {CLOUD_API_URL}"
        )
    return given.cloud_account()


def connection(agent_server_url: str | None) -> AgentConnection:
    """The agent-server that a command about an existing run needs.

    Raises:
        Misconfigured: none is given.
    """
    given = settings(agent_server_url)
    if not given.is_agent_server_mode:
        raise Misconfigured(
            f"which agent-server? Give --agent-server-url or set {AGENT_SERVER_URL}; for a run in a sandbox give --sandbox"
        )
    return connect_to(given.agent_server_url, given.agent_server_api_key)


def pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """NAME=VALUE words as a mapping.

    Raises:
        Misconfigured: a word without `=`, or a name twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise Misconfigured(f"{option} wants NAME=VALUE; there is no '=' after a name in one of them")
        if name in found:
            raise Misconfigured(f"{option} gives {name} twice; give it once")
        found[name] = value
    return found


def secrets_from_environment(names: Iterable[str]) -> dict[str, str]:
    """Values of variables of ours, by name.

    Raises:
        Misconfigured: one is not set.
    """
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise Misconfigured(
            f"--secret takes the value from the environment, and {missing[0]} is not set there"
        )
    return {name: os.environ[name] for name in names}
