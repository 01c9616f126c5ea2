"""The command line: every mistake is named with an exit code, never a traceback, and never a value."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from automation import __version__
from bot.cli import COMMANDS, cli, first_line
from bot.settings import BotSettings
from bot.vault import is_key, new_key
from tests.fakes.github.apps import private_key

ROOT = Path(__file__).parents[2]
GOOD = {
    "BOT_GITHUB_APP_ID": "123",
    "BOT_GITHUB_PRIVATE_KEY": private_key(1),
    "BOT_WEBHOOK_SECRET": "the-webhook-secret-hunter2",
    "BOT_PUBLIC_URL": "https://automations.test",
    "BOT_SECRET_KEY": new_key(),
    "AUTOMATION_AGENT_SERVER_URL": "http://agents.test:8000",
}
SECRET = "the-operators-token-hunter2"

type Invoke = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bot(tmp_path: Path) -> Invoke:
    """The program itself, in its own process, without anything of ours in its environment."""

    def invoke(
        *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
            | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        return done

    return invoke


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    for option in ("--help", "-h"):
        done = CliRunner().invoke(cli, [*command, option])
        assert done.exit_code == 0
        assert done.output.startswith("Usage: ")


def test_all_commands_are_listed(bot: Invoke) -> None:
    shown = bot("--help").stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_the_version(bot: Invoke) -> None:
    assert bot("version").stdout == f"{__version__}\n"
    assert bot("--version").stdout == f"automation-bot, version {__version__}\n"


def test_a_new_key_is_a_key_and_new(bot: Invoke) -> None:
    keys = {bot("new-key").stdout.strip() for _ in range(2)}
    assert len(keys) == 2
    assert all(is_key(key) for key in keys)


@pytest.mark.parametrize("name", GOOD)
def test_serve_without_a_setting_names_it(bot: Invoke, name: str) -> None:
    done = bot("serve", variables={key: value for key, value in GOOD.items() if key != name})
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {name}: is not set; expected ")


@pytest.mark.parametrize("name", GOOD)
def test_serve_with_a_wrong_setting_names_it(bot: Invoke, name: str) -> None:
    done = bot("serve", variables=GOOD | {name: "hunter2 \N{SNOWMAN}"})
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {name}: ")


def test_serve_names_all_that_is_missing(bot: Invoke) -> None:
    done = bot("serve")
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == list(GOOD)


def test_settings_come_from_a_file_too(bot: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "bot.env"
    path.write_text("BOT_WEBHOOK_SECERT=hunter2hunter2hunter2\nBOT_MAX_RUNS=hunter2\n")
    for options, variables in ((["--env-file", str(path)], {}), ([], {"BOT_ENV_FILE": str(path)})):
        done = bot("serve", *options, variables=GOOD | variables)
        assert done.returncode == 2
        assert done.stderr == (
            f"error: {path}:1: BOT_WEBHOOK_SECERT is no setting of the bot; did you mean BOT_WEBHOOK_SECRET?\n"
        )
    path.write_text("BOT_MAX_RUNS=hunter2\n")
    done = bot("serve", "--env-file", str(path), variables=GOOD)
    assert done.stderr == "error: BOT_MAX_RUNS: expected a whole number, 1 or more\n"
    done = bot("serve", "--env-file", str(tmp_path / "none"), variables=GOOD)
    assert done.returncode == 2
    assert "none cannot be read (No such file or directory)" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["no-such"], ["serve", "--port", "99999"], ["serve", "extra"], ["serve", "--no-such"]]
)
def test_usage(bot: Invoke, arguments: list[str]) -> None:
    assert bot(*arguments).returncode == 2


def test_the_first_line_says_who_serves_what_and_no_secret() -> None:
    variables = GOOD | {
        "BOT_OPERATOR_TOKEN": SECRET,
        "AUTOMATION_AGENT_SERVER_API_KEY": "the-servers-key-hunter2",
        "BOT_FORK_AGENT_SERVER_URL": "http://forks.test",
        "BOT_FORK_AGENT_SERVER_API_KEY": "the-fork-servers-key-hunter2",
    }
    settings = BotSettings.from_environment(variables)
    line = first_line(settings)
    assert line == (
        f"automation-bot {__version__}: GitHub App 123 at https://api.github.com, backend agent-server "
        "http://agents.test:8000, forks on http://forks.test, database sqlite:///automation-bot.sqlite3, "
        "public URL https://automations.test"
    )
    assert not any(secret in line for secret in settings.secrets)
    assert "no server for forks" in first_line(BotSettings.from_environment(GOOD))
