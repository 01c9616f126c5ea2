"""The fake as a command: what it prints is enough to play with it, and it ends when it is told to."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import pytest

from tests.fakes.github.__main__ import main
from tests.fakes.github.conftest import Demo
from tests.fakes.github.receiving import receiving
from tests.fakes.github.server import FakeGitHub
from tests.fakes.github.webhooks import sign

ROOT = Path(__file__).parents[3]
WITHIN = 30


@dataclass
class Served:
    process: "subprocess.Popen[str]"
    variables: dict[str, str]


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "tests.fakes.github", "--port=0", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        variables: dict[str, str] = {}
        while "APP_PRIVATE_KEY_FILE" not in variables:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value
        yield Served(process, variables)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=WITHIN)


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(number: signal.Signals, demo: Demo) -> None:
    repository = f"octo/demo={demo.directory}"
    with served("--repository", repository, "--pull=feature", "--collaborator=alice=maintain") as github:
        given = github.variables
        key = Path(given["APP_PRIVATE_KEY_FILE"])
        assert key.stat().st_mode & 0o777 == 0o600
        assert given["GITHUB_REPOSITORY"] == "octo/demo"
        assert given["GITHUB_SHA"] == demo.head
        headers = {"authorization": f"Bearer {given['GITHUB_TOKEN']}"}
        with httpx.Client(base_url=given["GITHUB_API_URL"], headers=headers, trust_env=False) as http:
            home = f"/repos/{given['GITHUB_REPOSITORY']}"
            assert http.get(f"{home}/pulls/7").json()["head"]["sha"] == demo.head
            assert http.get(f"{home}/actions/runs/{given['GITHUB_RUN_ID']}").status_code == 200
            assert http.get(f"{home}/collaborators/alice/permission").json()["role_name"] == "maintain"
            check = {"name": "review", "head_sha": demo.head, "colour": "red"}
            assert http.post(f"{home}/check-runs", json=check).status_code == 201
            now = int(time.time())
            claims = {"iss": given["APP_ID"], "iat": now - 5, "exp": now + 60}
            signed = jwt.encode(claims, key.read_text(), algorithm="RS256")
            app = http.get(f"{home}/installation", headers={"authorization": f"Bearer {signed}"})
            assert app.json()["id"] == int(given["APP_INSTALLATION_ID"])
        assert github.process.stderr is not None
        shown = ""
        while "not GitHub's" not in shown:
            shown += github.process.stderr.readline()
        github.process.send_signal(number)
        shown += github.process.communicate(timeout=WITHIN)[1]
        assert github.process.returncode == 0
        assert "POST /repos/octo/demo/check-runs -> 201" in shown
        assert "Traceback" not in shown
        assert not key.exists()


@pytest.mark.usefixtures("contract")
def test_a_comment_is_told_as_soon_as_somebody_listens(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = [
        f"--repository=octo/demo={demo.directory}",
        "--pull=feature",
        "--collaborator=alice=write",
        f"--hook=http://127.0.0.1:{port}/webhook",
        "--comment=/run-automation hello",
    ]
    with served(*given) as github, receiving(port) as receiver:
        secret = github.variables["APP_WEBHOOK_SECRET"]
        deadline = time.monotonic() + WITHIN
        while not receiver.received:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (told,) = receiver.received
        assert told.headers["x-hub-signature-256"] == sign(secret, told.body)
        comment = json.loads(told.body)["comment"]
        assert (comment["body"], comment["user"]["login"]) == ("/run-automation hello", "alice")
        assert github.process.stderr is not None
        shown = ""
        while "told: issue_comment.created" not in shown:
            shown += github.process.stderr.readline()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--repository=octo/demo=/absent"], "/absent"),
        (["--repository=demo={demo}"], "not OWNER/NAME"),
        (["--repository=octo/demo={demo}", "--pull=absent"], "names no commit"),
        (["--repository=octo/demo={demo}", "--collaborator=alice=king"], "custom role"),
        (["--repository=octo/demo={demo}", "--comment=hello"], "--comment needs --pull, --coll"),
        (["--port={taken}"], "choose another with --port"),
    ],
)
def test_arguments_that_cannot_be_are_said_in_one_line(
    arguments: list[str], words: str, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeGitHub() as other:
        taken = other.url.rpartition(":")[2]
        given = ["--port=0", *(each.format(demo=demo.directory, taken=taken) for each in arguments)]
        with pytest.raises(SystemExit) as ended:
            main(given)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_its_help_says_what_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for words in ("--repository", "--pull", "curl -H", "act ", "--hook"):
        assert words in shown
