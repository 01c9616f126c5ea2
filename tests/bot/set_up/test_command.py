"""`automation-bot setup` as a process: from its printed address to files that the bot starts with."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.env_file import read_env_file
from bot.settings import BotSettings
from tests.bot.set_up.platform import Platform
from tests.bot.set_up.test_routes import Form


@contextmanager
def set_up(directory: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The program itself, in its own process, without anything of ours in its environment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "setup", *options],
        cwd=directory,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PYTHONUNBUFFERED": "1",
        }
        | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return process.returncode, output, errors


@pytest.mark.parametrize(
    "variables",
    [
        {"AUTOMATION_AGENT_SERVER_URL": "http://127.0.0.1:8000", "AUTOMATION_AGENT_SERVER_API_KEY": "key"},
        {"OPENHANDS_API_KEY": "key", "AUTOMATION_CLOUD_API_URL": "https://cloud.test"},
    ],
    ids=["agent-server", "cloud"],
)
def test_from_nothing_to_settings(
    tmp_path: Path, odd: Platform, conversion: dict[str, Any], variables: dict[str, str]
) -> None:
    odd.answers["POST /app-manifests/c0de/conversions"] = (201, conversion)
    where = ("--public-url", "http://127.0.0.1:8080", "--github-url", odd.url, "--github-api-url", odd.url)
    with set_up(tmp_path, *where, "--port", "0", "--output", "made", **variables) as process:
        line = first_line(process)
        [address] = re.findall(r"http://127\.0\.0\.1:\d+/setup\?token=\S+", line)
        with httpx.Client(trust_env=False) as browser:
            form = Form(browser.get(address).text)
            callback = f"{address.partition('?')[0]}/callback"
            done = browser.get(callback, params={"code": "c0de", "state": form.state})
            assert done.status_code == 200
        code, output, errors = ended(process)
    assert (code, errors) == (0, "")
    assert "https://github.com/apps/our-bot/installations/new" in output
    assert conversion["webhook_secret"] not in output
    written = read_env_file(tmp_path / "made" / "automation-bot.env")
    found = BotSettings.from_environment(written)
    assert (found.app_id, found.github_api_url, found.public_url) == (4711, odd.url, "http://127.0.0.1:8080")
    assert {name: written[name] for name in variables} == variables


def test_ctrl_c_ends_it_without_a_trace(tmp_path: Path) -> None:
    with set_up(tmp_path, "--public-url", "https://bot.test", "--port", "0") as process:
        assert first_line(process).startswith("open in a browser")
        process.send_signal(2)
        code, _, errors = ended(process)
    assert (code, errors.strip()) == (130, "cancelled")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], ["--public-url"]),
        (["--public-url", "http://bot.test"], ["--public-url"]),
        (["--public-url", "http://127.0.0.1:8080"], ["--public-url"]),
        (
            ["--public-url", "x", "--organization", "a/b", "--name", "n" * 35, "--agent-server-url", "y"],
            ["--public-url", "--agent-server-url", "--organization", "--name"],
        ),
        (["--public-url", "https://bot.test", "--github-url", "https://me:hunter2@g"], ["--github-url"]),
    ],
)
def test_mistakes_are_named_all_at_once(tmp_path: Path, options: list[str], named: list[str]) -> None:
    with set_up(tmp_path, *options) as process:
        code, output, errors = ended(process)
    assert (code, output) == (2, "")
    assert re.findall(r"^error: (--[a-z-]+): ", errors, flags=re.MULTILINE) == named
    assert "hunter2" not in errors


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (["--host", "localhost"], "http://localhost:"),
        (["--host", "0.0.0.0"], "https://bot.test/setup?token="),
        (["--host", "0.0.0.0", "--setup-url", "http://127.0.0.1:8089"], "http://127.0.0.1:8089/setup?token="),
    ],
)
def test_the_address_that_is_printed(tmp_path: Path, options: list[str], begins: str) -> None:
    with set_up(tmp_path, "--public-url", "https://bot.test", "--port", "0", *options) as process:
        assert first_line(process).startswith(f"open in a browser, within the hour: {begins}")


def test_a_taken_port_is_named(tmp_path: Path, odd: Platform) -> None:
    port = odd.url.rpartition(":")[2]
    with set_up(tmp_path, "--public-url", "https://bot.test", "--port", port) as process:
        code, _, errors = ended(process)
    assert code == 2
    assert f"nothing can listen on 127.0.0.1 port {port} (Address already in use)" in errors


def test_an_earlier_set_up_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "automation-bot.env").write_text("precious")
    with set_up(tmp_path, "--public-url", "https://bot.test") as process:
        code, _, errors = ended(process)
    assert code == 2
    assert "is there already and is not overwritten" in errors
    assert (tmp_path / "automation-bot.env").read_text() == "precious"
