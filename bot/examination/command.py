"""`automation-bot check`: looks at everything that a bot needs, and says how each thing stands.

Nothing is changed anywhere, and the bot may run meanwhile. Exit codes: 0 in order, 1 something is wrong,
2 a setting is missing or wrong; what can be looked at without it still is.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from automation.cli.options import json_option
from automation.exit_codes import Exit
from bot.cli import env_file_option
from bot.env_file import with_file
from bot.examination.database import postgresql_finding
from bot.examination.disk import database_findings, private_file_findings
from bot.examination.finding import Finding, fine, is_fit, wrong
from bot.examination.github import github_findings
from bot.examination.server import (
    agent_server_finding,
    cloud_finding,
    fork_server_finding,
    public_url_finding,
)
from bot.settings import DATABASE_URL, PRIVATE_KEY_PATH, BotSettings


@click.command()
@env_file_option
@json_option
def check(env_file: Path | None, *, as_json: bool) -> int:
    """Say what is in order and what is missing: settings, GitHub App, webhook, agent-servers, disk."""
    environment = with_file(os.environ, env_file)
    settings, complaints = BotSettings.examine(environment)
    credentials = [path for path in (env_file, _key_path(environment)) if path is not None]
    findings = [
        *_settings_findings(complaints),
        *private_file_findings(credentials),
        *asyncio.run(examine(settings, complaints)),
    ]
    fit = is_fit(findings)
    if as_json:
        click.echo(json.dumps({"fit": fit, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            click.echo(finding)
    if complaints:
        return Exit.USAGE
    return Exit.SUCCESS if fit else Exit.FAILED


async def examine(settings: BotSettings, complaints: list[str]) -> list[Finding]:
    """What is found outside, all looked at at once; what a missing setting is needed for is left out."""
    core = settings.core
    looks: list[Awaitable[list[Finding]]] = []
    if settings.app_id and settings.private_key:
        looks.append(github_findings(settings))
    if settings.public_url:
        looks.append(_alone(public_url_finding(settings.public_url)))
    if core.agent_server_url:
        looks.append(
            _alone(agent_server_finding("agent-server", core.agent_server_url, core.agent_server_api_key))
        )
    if core.is_cloud_mode:
        looks.append(_alone(cloud_finding(core.cloud_account())))
    else:
        looks.append(_alone(fork_server_finding(settings)))
    path = settings.database_path
    knows_database = not any(complaint.startswith(DATABASE_URL) for complaint in complaints)
    if knows_database and path is None:
        looks.append(_alone(postgresql_finding(settings)))
    found = [finding for findings in await asyncio.gather(*looks) for finding in findings]
    if knows_database and path is not None:
        found += database_findings(path)
    return found


def _settings_findings(complaints: list[str]) -> list[Finding]:
    if not complaints:
        return [fine("settings", "all that are needed are there")]
    return [wrong("settings", complaint) for complaint in complaints]


def _key_path(environment: Mapping[str, str]) -> Path | None:
    text = environment.get(PRIVATE_KEY_PATH, "").strip()
    return Path(text) if text else None


async def _alone(look: Awaitable[Finding]) -> list[Finding]:
    return [await look]
