"""The bot's first and last seconds: what it does not start with, and how it stops while the world goes on."""

import asyncio
import hashlib
import hmac
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from bot.vault import new_key
from tests.bot_process import ROOT, SECRET
from tests.fakes.github.apps import private_key
from tests.server_process import free_port
from tests.stories.bot.conftest import Demo
from tests.teller import eventually

SENDERS = 8
PRESSED = 0.5
"""Seconds of the storm before the bot is asked to stop."""
GOOD = {
    "BOT_GITHUB_APP_ID": "123",
    "BOT_GITHUB_PRIVATE_KEY": private_key(1),
    "BOT_WEBHOOK_SECRET": "the-webhook-secret-of-tests",
    "BOT_PUBLIC_URL": "https://automations.test",
    "BOT_SECRET_KEY": new_key(),
    "AUTOMATION_AGENT_SERVER_URL": "http://agents.test:8000",
}
# None of them is a number, a URL or a path that means anything.
WRONG = {
    "BOT_GITHUB_API_URL": "http://hunter2.test",
    "BOT_DATABASE_URL": "mysql://hunter2:hunter2@db.test/bot",
    "BOT_OPERATOR_TOKEN": "hunter2",
    "BOT_MAX_RUNS": "hunter2",
    "BOT_RUNS_PER_USER_HOUR": "-2",
    "BOT_RUNS_PER_PULL_HOUR": "hunter2",
    "BOT_RUNS_PER_REPOSITORY_HOUR": "hunter2",
    "BOT_FORK_AGENT_SERVER_URL": "hunter2",
    "AUTOMATION_AGENT_SERVER_API_KEY": "hunter2 hunter2",
    "AUTOMATION_PATIENCE": "hunter2",
}


def serve(directory: Path, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Start it with what it cannot start with."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve", *options],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(ROOT)} | GOOD | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    for value in ("hunter2", GOOD["BOT_SECRET_KEY"], GOOD["BOT_WEBHOOK_SECRET"]):
        assert value not in ended.stdout + ended.stderr
    return ended


def test_every_wrong_setting_is_named_at_once_and_no_value_is_printed(tmp_path: Path) -> None:
    ended = serve(tmp_path, **WRONG)
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    assert {line.split(": ")[1] for line in lines} == set(WRONG)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = serve(tmp_path, BOT_GITHUB_PRIVATE_KEY="", BOT_GITHUB_PRIVATE_KEY_PATH=str(tmp_path / "no.pem"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: BOT_GITHUB_PRIVATE_KEY_PATH: the file cannot be read")


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tmp_path, "--port", str(port))
    assert ended.returncode == 2
    assert f"error: cannot listen on 127.0.0.1, port {port} " in ended.stderr
    assert not (tmp_path / "automation-bot.sqlite3").exists()


@pytest.mark.parametrize("kind", ["a directory", "no database"])
def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bot.sqlite3"
    if kind == "a directory":
        path.mkdir()
    else:
        path.write_text("I am the operator's diary. " * 400)
    ended = serve(tmp_path, "--port", str(free_port()), BOT_DATABASE_URL=f"sqlite:///{path}")
    assert ended.returncode == 2
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert str(path) in line
    if kind == "no database":
        assert path.read_text().startswith("I am the operator's diary")


def test_a_database_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    """So that whoever supervises the bot starts it again, which it does not for what only people can mend."""
    address = f"postgresql://bot:hunter2@127.0.0.1:{free_port()}/bot"
    ended = serve(tmp_path, "--port", str(free_port()), BOT_DATABASE_URL=address)
    assert ended.returncode == 3
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "BOT_DATABASE_URL: " in line
    assert "cannot be used as a database" in line


def headers(body: bytes) -> Mapping[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": "issue_comment",
        "x-github-delivery": str(uuid4()),
        "x-hub-signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}",
    }


async def storm(url: str, taken: set[str]) -> None:
    """Post deliveries until nobody listens any more; those that were taken are remembered."""
    body = json.dumps({"action": "edited", "repository": {"full_name": "octo/demo"}}).encode()
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        while True:
            given = headers(body)
            try:
                answer = await http.post(url, content=body, headers=given)
            except httpx.HTTPError:
                return
            if answer.status_code == httpx.codes.ACCEPTED:
                taken.add(given["x-github-delivery"])
            else:
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
                await asyncio.sleep(0.02)


async def watch(page: str, heard: bytearray) -> None:
    """Read a run's live log until the bot ends it."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as http,
        http.stream("GET", page.replace("?", "/log?")) as answer,
    ):
        async for data in answer.aiter_bytes():
            heard.extend(data)


async def test_asked_to_stop_in_a_storm_it_is_gone_in_time_and_has_what_it_took(demo: Demo) -> None:
    demo.automation("echo started; sleep 8", "slow")
    pull = demo.pull()
    demo.comment("/run-automation slow")
    run_id = await demo.running()
    page = demo.check(pull.head, "slow").details_url or ""
    taken: set[str] = set()
    heard = bytearray()
    watching = asyncio.create_task(watch(page, heard))
    storming = [asyncio.create_task(storm(demo.bot.webhook, taken)) for _count in range(SENDERS)]
    await eventually(lambda: b"started" in heard, 20)
    await asyncio.sleep(PRESSED)
    began = time.monotonic()
    assert await demo.bot.terminate() == 0
    assert time.monotonic() - began < 10
    await asyncio.wait_for(asyncio.gather(*storming), 15)
    await asyncio.gather(asyncio.wait_for(watching, 5), return_exceptions=True)
    assert len(taken) > 20
    with closing(sqlite3.connect(demo.directory / "bot" / "bot.sqlite3")) as database:
        stored = {guid for (guid,) in database.execute("select guid from deliveries")}
    assert taken <= stored
    assert demo.server.processes(run_id)
    assert "Traceback" not in demo.bot.log
    await demo.bot.start()
    (await demo.concluded(pull.head, "slow")).is_("success")
