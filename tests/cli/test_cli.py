"""The command line: every mistake is one clear sentence and an exit code, never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from automation import __version__
from automation.cli import COMMANDS, cli
from automation.cli.options import pairs, secrets_from_environment, settings
from automation.errors import Misconfigured
from automation.execution import RunState, RunStatus
from automation.exit_codes import Exit, exit_code
from automation.observation import Process
from automation.reasons import Reason
from automation.run.commands import Look

GOOD = "name: Changelog guard\nentrypoint: bash main.sh\ntrigger: {type: cron, schedule: '0 3 * * *'}\n"
BAD = "name: Broken\nentrypoint: bash main.sh\ngithub:\n  secrts: [A]\n  forks: maybe\n"
NO_SERVER = "http://127.0.0.1:9"

type Invoke = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A directory with a good automation, a disabled one and a broken one."""
    for slug, definition in {
        "guard": GOOD,
        "nightly": "name: Nightly\nentrypoint: bash main.sh\nenabled: false\n",
        "broken": BAD,
    }.items():
        directory = tmp_path / "automations" / slug
        directory.mkdir(parents=True)
        (directory / "automation.yaml").write_text(definition)
        (directory / "main.sh").write_text("echo hello\n")
    return tmp_path


@pytest.fixture
def automation(tmp_path: Path) -> Invoke:
    """The program itself, in its own process, without anything of ours in its environment."""

    def invoke(
        *arguments: str, cwd: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "automation", *arguments],
            cwd=cwd or tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200"} | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return invoke


@pytest.mark.parametrize(
    "command", [[], *([name] for name in COMMANDS), ["server", "start"], ["server", "status"]], ids=" ".join
)
def test_every_command_explains_itself(command: list[str]) -> None:
    for option in ("--help", "-h"):
        done = CliRunner().invoke(cli, [*command, option])
        assert done.exit_code == 0
        assert done.output.startswith("Usage: ")
        assert len(done.output.splitlines()) > 5


def test_all_commands_are_listed() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert [line.split()[0] for line in shown.split("Commands:\n")[1].splitlines()] == list(COMMANDS)
    for code in Exit:
        assert str(code.value) in shown


def test_no_option_takes_a_key() -> None:
    for name in COMMANDS:
        shown = CliRunner().invoke(cli, [name, "--help"]).output
        assert "--agent-server-api-key" not in shown


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.OK, 0),
        (Reason.EXIT_CODE, 1),
        (Reason.REPORTED, 1),
        (Reason.NO_RESULT, 1),
        (Reason.OUTPUT_LIMIT, 1),
        (Reason.TIMED_OUT, 1),
        (Reason.TAMPERED, 1),
        (Reason.BAD_CONFIG, 2),
        (Reason.ARCHIVE_INCOMPLETE, 2),
        (Reason.RUN_LOST, 3),
        (Reason.SERVER_LOST, 3),
        (Reason.CANCELLED, 130),
        (Reason.SUPERSEDED, 130),
    ],
)
def test_exit_codes(reason: Reason, code: int) -> None:
    assert exit_code(reason) == code


def test_every_reason_has_an_exit_code_and_only_one_has_0() -> None:
    assert [reason for reason in Reason if exit_code(reason) == 0] == [Reason.OK]


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["rnu"], "No such command 'rnu'"),
            (["run"], "Missing argument 'NAME|PATH'"),
            (["verify"], "Missing argument 'RUN'"),
            (["stop"], "Missing argument 'RUN'"),
            (["list", "--jsn"], "No such option"),
            (["list", "-C", "/no/such/place"], "does not exist"),
            (["check", "/no/such/file"], "does not exist"),
            (["run", "guard", "--backend", "cluod"], "'cluod' is not one of"),
            (["run", "guard", "--timeout", "soon"], "'soon' is not a valid float"),
            (["run", "guard", "--output-limit", "0"], "0 is not in the range"),
            (["run", "guard", "--patience", "-1"], "-1.0 is not in the range"),
            (["server", "start", "--port", "70000"], "70000 is not in the range"),
            (["server", "status"], "Missing argument 'URL'"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_mistakes_exit_with_2(self, automation: Invoke, arguments: list[str], says: str) -> None:
        done = automation(*arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert done.stdout == ""

    def test_nothing_asked_for(self, automation: Invoke) -> None:
        done = automation()
        assert done.returncode == 2
        assert "Usage: " in done.stdout + done.stderr

    def test_the_version(self, automation: Invoke) -> None:
        done = automation("--version")
        assert (done.returncode, done.stdout) == (0, f"automation, version {__version__}\n")

    def test_a_reader_that_goes_away(self, repository: Path) -> None:
        done = subprocess.run(
            ["bash", "-c", '"$0" -m automation list --json | true', sys.executable],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


class TestList:
    def test_says_what_there_is(self, automation: Invoke, repository: Path) -> None:
        done = automation("list", cwd=repository)
        assert done.returncode == 0
        rows = {line.split()[0]: line for line in done.stdout.splitlines()}
        assert list(rows) == ["automation", "broken", "guard", "nightly"]
        assert "Changelog guard" in rows["guard"]
        assert "cron" in rows["guard"]
        assert rows["guard"].split()[-1] == "enabled"
        assert rows["nightly"].split()[-1] == "disabled"
        assert "2 errors, see automation check" in rows["broken"]

    def test_in_json(self, automation: Invoke, repository: Path) -> None:
        done = automation("list", "--json", "-C", str(repository))
        broken, guard, nightly = json.loads(done.stdout)
        assert guard == {
            "automation": "guard",
            "file": "automations/guard/automation.yaml",
            "name": "Changelog guard",
            "enabled": True,
            "entrypoint": "bash main.sh",
            "problems": [],
        }
        assert nightly["enabled"] is False
        assert broken["name"] is None
        assert len(broken["problems"]) == 2

    @pytest.mark.parametrize("option", [[], ["--automations-path", "elsewhere"]])
    def test_nothing(self, automation: Invoke, option: list[str]) -> None:
        done = automation("list", *option)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("no automations in ")
        assert json.loads(automation("list", "--json", *option).stdout) == []

    def test_a_place_outside(self, automation: Invoke) -> None:
        done = automation("list", "--automations-path", "../x")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: automations-path must be a path inside the repository")

    def test_names_cannot_format_the_terminal(self, automation: Invoke, tmp_path: Path) -> None:
        directory = tmp_path / "automations" / "odd"
        directory.mkdir(parents=True)
        (directory / "automation.yaml").write_text('name: "[red]x[/red]"\nentrypoint: bash main.sh\n')
        assert "[red]x[/red]" in automation("list").stdout

    def test_names_cannot_control_the_terminal(self, automation: Invoke, tmp_path: Path) -> None:
        directory = tmp_path / "automations" / "odd"
        directory.mkdir(parents=True)
        (directory / "automation.yaml").write_text('name: "a\\e]0;pwned\\ab"\nentrypoint: bash main.sh\n')
        assert "\x1b" not in automation("list").stdout


class TestCheck:
    def test_names_everything_that_is_wrong(self, automation: Invoke, repository: Path) -> None:
        done = automation("check", cwd=repository)
        assert done.returncode == 2
        assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
            "automations/broken/automation.yaml:4:3",
            "automations/broken/automation.yaml:5:3",
        ]
        assert "'secrets'" in done.stdout
        assert done.stdout.count("[error]") == 2
        assert done.stderr == "3 checked, 2 errors, 0 warnings\n"

    def test_in_json(self, automation: Invoke, repository: Path) -> None:
        done = automation("check", "--json", cwd=repository)
        assert done.returncode == 2
        problems = json.loads(done.stdout)
        assert [(each["line"], each["severity"]) for each in problems] == [(4, "error"), (5, "error")]
        assert set(problems[0]) == {"file", "line", "column", "severity", "message"}

    @pytest.mark.parametrize("path", ["automations/guard", "automations/guard/automation.yaml"])
    def test_one_that_is_right(self, automation: Invoke, repository: Path, path: str) -> None:
        done = automation("check", path, cwd=repository)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "1 checked, 0 errors, 0 warnings\n"

    def test_nothing_to_check(self, automation: Invoke) -> None:
        done = automation("check")
        assert (done.returncode, done.stderr) == (0, "0 checked, 0 errors, 0 warnings\n")

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"\xff\xfe", "is not UTF-8 text"), (None, "there is no such file, or it is not a regular one")],
        ids=["bytes", "a directory without a definition"],
    )
    def test_what_cannot_be_read(
        self, automation: Invoke, tmp_path: Path, content: bytes | None, says: str
    ) -> None:
        (tmp_path / "x").mkdir()
        if content is not None:
            (tmp_path / "x" / "automation.yaml").write_bytes(content)
        done = automation("check", "x")
        assert done.returncode == 2
        assert says in done.stdout + done.stderr
        assert "x/automation.yaml:1:1: " in done.stdout

    def test_a_pipe_is_not_waited_for(self, automation: Invoke, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "automation.yaml")
        done = automation("check", ".")
        assert done.returncode == 2
        assert "it is not a regular one" in done.stdout

    @pytest.mark.parametrize("content", ["", "a", "[]", "a: [", "\t", "name: &a [*a]", "? {}", "x" * 300_000])
    def test_any_file_is_answered(self, automation: Invoke, tmp_path: Path, content: str) -> None:
        (tmp_path / "automation.yaml").write_text(content)
        done = automation("check", ".")
        assert done.returncode == 2
        assert "automation.yaml:" in done.stdout


class TestRun:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (
                ["gaurd"],
                "there is no automation 'gaurd' in .openhands/automations and automations; did you mean",
            ),
            (["changelog gard"], "did you mean 'Changelog guard'?"),
            (["./nowhere"], "there is no automation at '"),
            (["broken"], "automations/broken/automation.yaml:4:3: "),
            (
                ["guard", "--backend", "agent-server"],
                "--backend agent-server needs --agent-server-url or AUTOM",
            ),
            (["guard", "--input", "target"], "--input wants NAME=VALUE"),
            (["guard", "--env", "=hunter2"], "--env wants NAME=VALUE"),
            (["guard", "--env", "A=hunter2", "--env", "A=hunter3"], "--env gives A twice"),
            (["guard", "--secret", "NOT_SET"], "NOT_SET is not set there"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_mistakes_are_told_before_anything_is_started(
        self, automation: Invoke, repository: Path, arguments: list[str], says: str
    ) -> None:
        done = automation("run", *arguments, cwd=repository)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert says in done.stderr
        assert "hunter" not in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--input", "target=main"], "there is no input 'target': this automation declares none"),
            (["--timeout", "0"], "a timeout of 0 seconds is none"),
            (["--sha", "HEAD"], "this is not a git repository"),
            (["--agent-server-url", "not-a-url"], "not an http or https address"),
            (["--agent-server-url", "http://u:hunter2@h"], "carries credentials"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_so_are_these(
        self, automation: Invoke, repository: Path, arguments: list[str], says: str
    ) -> None:
        url = [] if "--agent-server-url" in arguments else ["--agent-server-url", NO_SERVER]
        done = automation("run", "guard", *url, *arguments, cwd=repository)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
        assert "error: " in done.stderr

    @pytest.mark.parametrize("timeout", ["nan", "inf"])
    def test_a_timeout_that_is_no_number(self, automation: Invoke, repository: Path, timeout: str) -> None:
        url = ["--agent-server-url", NO_SERVER, "--patience", "0"]
        assert automation("run", "guard", *url, "--timeout", timeout, cwd=repository).returncode == 2

    def test_a_server_that_is_not_there(self, automation: Invoke, repository: Path) -> None:
        key = {"AUTOMATION_AGENT_SERVER_API_KEY": "s3ssion-k3y", "AUTOMATION_AGENT_SERVER_URL": NO_SERVER}
        done = automation("run", "guard", "--patience", "0", cwd=repository, variables=key)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"error: the agent-server at {NO_SERVER} does not answer as it should" in done.stderr
        assert "s3ssion-k3y" not in done.stderr


class TestRemote:
    @pytest.mark.parametrize("command", ["verify", "stop"])
    def test_which_server(self, automation: Invoke, command: str) -> None:
        done = automation(command, "r-1")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(
            "error: which agent-server? Give --agent-server-url or set AUTOMATION_AG"
        )

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (RunStatus(RunState.COMPLETED, 0, Reason.OK), 0),
            (RunStatus(RunState.FAILED, 7, Reason.EXIT_CODE, "the automation failed"), 1),
            (RunStatus(RunState.FAILED, 143, Reason.TIMED_OUT, "at its deadline"), 1),
            (RunStatus(RunState.FAILED, 143, Reason.CANCELLED, "stopped"), 130),
            (RunStatus(RunState.FAILED, None, Reason.RUN_LOST, "lost"), 3),
            (RunStatus(RunState.RUNNING), 4),
            (RunStatus(RunState.UNKNOWN, error="no such run"), 2),
            (RunStatus(RunState.UNREACHABLE, error="no answer"), 3),
        ],
        ids=lambda value: f"{value.state} {value.reason}".strip() if isinstance(value, RunStatus) else None,
    )
    def test_verify_ends_with_the_runs_own_exit_code(
        self, monkeypatch: pytest.MonkeyPatch, status: RunStatus, code: int
    ) -> None:
        async def answer(**_: object) -> RunStatus:
            return status

        monkeypatch.setattr("automation.cli.remote.verify_run_status", answer)
        arguments = ["verify", "r-1", "--agent-server-url", NO_SERVER, "--json"]
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
        assert done.return_value == code
        document = json.loads(done.stdout)
        assert (document["state"], document["reason"]) == (status.state, status.reason)

    @pytest.mark.parametrize(
        ("process", "processes", "code", "says"),
        [
            (Process.GONE, 0, 0, "nothing of it runs"),
            (Process.NEVER_STARTED, 0, 0, "had not started, and never will"),
            (Process.UNKNOWN, 0, 0, "nothing of it runs"),
            (Process.GONE, 2, 3, "2 of its processes could not be ended"),
            (Process.ALIVE, 1, 3, "1 of its processes could not be ended"),
        ],
    )
    def test_stop_fails_where_something_is_left(
        self, monkeypatch: pytest.MonkeyPatch, process: Process, processes: int, code: int, says: str
    ) -> None:
        async def answer(*_: object, **__: object) -> Look:
            return Look(process, exists=True, processes=processes, directory="/d", date=2, since=1, token="")

        monkeypatch.setattr("automation.cli.remote.stop_run", answer)
        monkeypatch.setattr("automation.cli.remote.look", answer)
        done = CliRunner().invoke(
            cli, ["stop", "r-1", "--agent-server-url", NO_SERVER], standalone_mode=False
        )
        assert (done.return_value, done.exception) == (code, None)
        assert says in done.stdout

    @pytest.mark.parametrize(
        ("variable", "option", "key"),
        [
            ("AUTOMATION_AGENT_SERVER_URL", "--agent-server-url", "AUTOMATION_AGENT_SERVER_API_KEY"),
            ("AUTOMATION_CLOUD_API_URL", "--cloud-api-url", "OPENHANDS_API_KEY"),
        ],
    )
    @pytest.mark.parametrize(
        "known", ["", "http://one.example", "http://one.example/", "http://other.example"]
    )
    def test_the_key_of_one_address_is_not_sent_to_another(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, option: str, key: str, known: str
    ) -> None:
        monkeypatch.setenv(variable, known)
        monkeypatch.setenv(key, "the-key")
        name = option.removeprefix("--").replace("-", "_")
        found = settings(**{name: "http://one.example"})
        given = found.agent_server_api_key if "agent" in option else found.cloud_api_key
        assert given == ("" if known == "http://other.example" else "the-key")

    @pytest.mark.parametrize("command", ["verify", "stop"])
    def test_a_url_that_is_none(self, automation: Invoke, command: str) -> None:
        done = automation(command, "r-1", "--agent-server-url", "localhost:8000")
        assert done.returncode == 2
        assert "not an http or https address" in done.stderr

    def test_the_status_of_a_server_that_is_not_there(self, automation: Invoke) -> None:
        done = automation("server", "status", NO_SERVER)
        assert done.returncode == 3
        assert done.stdout.startswith(
            "not fit for runs: the agent-server at http://127.0.0.1:9 does not answer"
        )
        document = json.loads(automation("server", "status", NO_SERVER, "--json").stdout)
        assert (document["url"], document["healthy"]) == (NO_SERVER, False)

    def test_the_status_of_what_is_no_url(self, automation: Invoke) -> None:
        assert automation("server", "status", "localhost").returncode == 2


class TestPairs:
    def test_values_may_be_anything(self) -> None:
        assert pairs(["A=1", "B=", "C=a=b", "D= x\n"], "--env") == {
            "A": "1",
            "B": "",
            "C": "a=b",
            "D": " x\n",
        }
        assert pairs([], "--env") == {}

    @pytest.mark.parametrize("words", [["A"], [""], ["="], ["=hunter2"], ["hunter2"], ["A=1", "A=hunter2"]])
    def test_no_pair(self, words: list[str]) -> None:
        with pytest.raises(Misconfigured, match=r"^--env ") as refusal:
            pairs(words, "--env")
        assert "hunter2" not in refusal.value.sentence

    def test_secrets_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SET", "hunter2")
        monkeypatch.delenv("NOT_SET", raising=False)
        assert secrets_from_environment(["SET"]) == {"SET": "hunter2"}
        with pytest.raises(Misconfigured, match="NOT_SET is not set there"):
            secrets_from_environment(["SET", "NOT_SET"])
