"""`automation-bot check` as a process, against a real agent-server: one line a finding, and an exit code."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.vault import new_key
from tests.bot.examination.test_github import APP, DELIVERY, INSTALLATION
from tests.bot.set_up.platform import Platform
from tests.fakes.github.apps import private_key
from tests.servers import RealServer

WEBHOOK_SECRET = "the-webhook-secret-hunter2"


async def check(directory: Path, variables: Mapping[str, str], *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "check", *options),
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(Path(__file__).parents[3])}
        | dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert errors == b""
    assert b"hunter2" not in output
    assert process.returncode is not None
    return process.returncode, output.decode()


def in_order(odd: Platform, server: RealServer) -> dict[str, str]:
    """A GitHub and a public address where everything is in order, and the settings for them."""
    odd.answers |= {
        "GET /app": (200, APP),
        "GET /app/installations": (200, [INSTALLATION]),
        "GET /app/hook/config": (200, {"url": f"{odd.url}/webhook", "content_type": "json"}),
        "GET /app/hook/deliveries": (200, [DELIVERY]),
        "GET /healthz": (200, {}),
    }
    return {
        "BOT_GITHUB_APP_ID": "4711",
        "BOT_GITHUB_PRIVATE_KEY": private_key(1),
        "BOT_GITHUB_API_URL": odd.url,
        "BOT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "BOT_PUBLIC_URL": odd.url,
        "BOT_SECRET_KEY": new_key(),
        "AUTOMATION_AGENT_SERVER_URL": server.url,
        "AUTOMATION_AGENT_SERVER_API_KEY": server.key,
    }


async def test_everything_in_order(tmp_path: Path, odd: Platform, server: RealServer) -> None:
    code, output = await check(tmp_path, in_order(odd, server))
    assert code == 0
    lines = [line.split(maxsplit=2) for line in output.splitlines()]
    assert {line[0] for line in lines} == {"ok", "note"}
    assert ["note", "fork"] in [line[:2] for line in lines]
    assert list(tmp_path.iterdir()) == []


async def test_what_is_wrong_is_told_with_what_to_do(
    tmp_path: Path, odd: Platform, server: RealServer
) -> None:
    settings = in_order(odd, server)
    odd.answers["GET /app/installations"] = (200, [])
    code, output = await check(tmp_path, settings, "--json")
    document = json.loads(output)
    assert (code, document["fit"]) == (1, False)
    assert [finding for finding in document["findings"] if finding["level"] == "wrong"] == [
        {
            "about": "installations",
            "level": "wrong",
            "sentence": "our-bot is installed nowhere",
            "advice": "install it at https://github.com/apps/our-bot/installations/new",
        }
    ]


async def test_a_missing_setting_does_not_keep_the_rest_from_being_looked_at(
    tmp_path: Path, odd: Platform, server: RealServer
) -> None:
    settings = in_order(odd, server)
    del settings["BOT_SECRET_KEY"]
    env_file = tmp_path / "bot.env"
    env_file.write_text("BOT_MAX_RUNS=hunter2\n")
    env_file.chmod(0o644)
    code, output = await check(tmp_path, settings, "--env-file", str(env_file))
    assert code == 2
    assert "wrong  settings        BOT_SECRET_KEY: is not set; " in output
    assert "wrong  settings        BOT_MAX_RUNS: expected a whole number" in output
    assert f"others on this machine may read {env_file}; chmod 600 {env_file}" in output
    assert "ok     App             our-bot can sign in with its key" in output
    assert "ok     agent-server" in output


async def test_nothing_is_there(tmp_path: Path) -> None:
    code, output = await check(tmp_path, {})
    assert code == 2
    assert output.count("is not set") == 6
