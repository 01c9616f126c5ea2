"""What goes in arrives as data, and what is secret does not come out."""

import base64
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from automation.assembly import Wish, assemble
from automation.catalogue import find_automation
from automation.connection import AgentConnection
from automation.packing.repository import Repository
from automation.report import write_report
from automation.run.conduct import Conductor
from automation.run.environment import KEYS_OF_OPENHANDS, Subject
from tests.servers import RealServer
from tests.teller import begin, ended, run

SECRET = "s3cr3t/with+odd=chars&more"
HOSTILE = [
    "plain",
    "two words",
    'it\'s "quoted"',
    "$(touch pwned) `touch pwned`",
    "; touch pwned #",
    "line\nbreak\n",
    "back\\slash \\n",
    "-n",
    "ünïcödé ☃ 𝕏",
    "*",
    "$HOME",
    "a=b",
]
TELL = """python3 - <<'END'
import json, os
print(json.dumps({name: value for name, value in os.environ.items() if name.startswith("GIVEN_")}))
END
ls
"""


async def test_values_reach_the_automation_as_data(server: RealServer) -> None:
    given = {f"GIVEN_{index}": value for index, value in enumerate(HOSTILE)}
    outcome = await run(server, TELL, variables=given)
    told, listing = outcome.output.text().split("\n", 1)
    assert json.loads(told) == given
    assert listing == "main.sh\n"


@pytest.mark.parametrize("name", ["it's", 'a "b"', "$(touch pwned)", "x; touch pwned", "two\nlines"])
async def test_a_run_id_is_data_too(server: RealServer, name: str) -> None:
    story = begin(server, {"main.sh": 'printf %s "$AUTOMATION_RUN_ID"; ls'}, run_id=name)
    assert (await story.ends()).output.text() == f"{name}main.sh\n"


async def test_a_base_directory_with_odd_characters_is_a_directory(
    server: RealServer, tmp_path: Path
) -> None:
    base = tmp_path / 'it\'s a $(touch pwned) "base"'
    outcome = await run(server, "pwd", base=str(base))
    assert ended(outcome) == ("success", "ok")
    assert outcome.output.text().startswith(str(base))


LEAK = r"""
import base64, os, sys, time
from urllib.parse import quote
from uuid import uuid4
secret = os.environ["TOKEN"]
def say(text):
    half = len(text) // 2
    for part in (text[:half], text[half:]):
        os.write(1, part.encode())
        time.sleep(0.4)
    os.write(1, b"\n")
say("plain " + secret)
say("url " + quote(secret, safe=""))
say("base64 " + base64.b64encode(secret.encode()).decode())
say("inside " + base64.b64encode(b"user:" + secret.encode()).decode())
open(os.environ["AUTOMATION_RESULT"], "w").write('{"title": "%s", "outputs": {"x": "%s"}, "annotations": [{"path": "%s", "start_line": 1, "message": "%s"}]}' % (secret, secret, secret, secret))
open(os.environ["AUTOMATION_SUMMARY"], "w").write(secret)
open("../runner.log", "a").write(secret + "\n")
print("the end")
"""


async def test_a_secret_that_the_run_prints_is_nowhere_in_what_comes_out(server: RealServer) -> None:
    story = begin(
        server, {"leak.py": LEAK}, "python3 leak.py", variables={"TOKEN": SECRET}, secrets=(SECRET,)
    )
    outcome = await story.ends()
    assert ended(outcome) == ("success", "ok")
    report = write_report("leak", outcome)
    everything = "\n".join(
        [
            story.watcher.text,
            outcome.output.text(),
            outcome.log,
            outcome.summary,
            repr(outcome.verdict),
            repr(story.watcher.notes),
            report.title,
            report.as_markdown(),
        ]
    )
    assert "the end" in everything
    assert everything.count("***") >= 8
    encoded = base64.b64encode(SECRET.encode()).decode()
    for form in (
        SECRET,
        quote(SECRET, safe=""),
        encoded,
        base64.b64encode(b"user:" + SECRET.encode()).decode()[8:-4],
    ):
        assert form not in everything


async def test_the_server_keeps_no_copy_of_a_secret_on_its_disk_or_in_its_events(server: RealServer) -> None:
    secret = "a-very-particular-value-7731"
    story = begin(
        server,
        {"main.sh": "ls -a ..; ls -la ../environment 2>&1"},
        variables={"TOKEN": secret},
        secrets=(secret,),
        keep=True,
    )
    outcome = await story.ends()
    assert "No such file" in outcome.output.text()
    kept = [path for path in server.home.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert not [path for path in kept if secret.encode() in path.read_bytes()]


async def test_the_run_directory_is_private(server: RealServer) -> None:
    story = begin(server, {"main.sh": "true"}, keep=True)
    await story.ends()
    assert (server.runs / story.run_id).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("passes", "shown"), [(True, "the-test-session-key"), (False, "")])
async def test_the_servers_key_reaches_only_a_run_that_may_have_it(
    server: RealServer, passes: bool, shown: str
) -> None:
    hide = 'printf %s "${SESSION_API_KEY:-}${OH_SESSION_API_KEYS_0:-}${OH_SECRET_KEY:-}" | od -An -c | tr -d " \\n"'
    outcome = await run(server, hide, keys=KEYS_OF_OPENHANDS if passes else frozenset())
    assert outcome.output.text() == ("" if not shown else "***")


async def test_an_event_arrives_whole_as_a_file_and_reduced_as_a_variable(server: RealServer) -> None:
    event = {
        "action": "opened",
        "pull_request": {"number": 7, "title": "$(touch pwned) `x`", "body": "y" * 200_000},
    }
    subject = Subject(name="x", event_name="pull_request.opened", event=event, pull_request=7, sha="0" * 40)
    outcome = await run(
        server,
        'wc -c < "$AUTOMATION_EVENT_PATH"; printf "%s" "$AUTOMATION_EVENT_PAYLOAD" | wc -c; echo "$AUTOMATION_PR"; ls',
        subject=subject,
    )
    whole, reduced, number, listing = outcome.output.text().split()
    assert int(whole) > 200_000
    assert int(reduced) < 100 * 1024
    assert (number, listing) == ("7", "main.sh")


EXPORTED = """enabled: true
entrypoint: ./bin/run.sh "two words"
model: null
name: Nightly report
preset_metadata: null
setup_script_path: setup.sh
tarball_executables:
- bin/run.sh
tarball_source:
  type: internal
  url: null
timeout: 120
trigger:
  filter: null
  'on': push
  source: github
  type: event
"""


async def test_an_automation_exported_by_openhands_runs_unchanged(server: RealServer, tmp_path: Path) -> None:
    directory = tmp_path / "automations" / "nightly-report"
    (directory / "tarball" / "bin").mkdir(parents=True)
    (directory / "automation.yaml").write_text(EXPORTED)
    (directory / "README.md").write_text("not part of the code")
    (directory / "tarball" / "setup.sh").write_text("echo prepared > ready\n")
    (directory / "tarball" / "bin" / "run.sh").write_text(
        '#!/bin/sh\ncat ready; echo "arg: $1"; ls; curl -fsS "$AUTOMATION_API_URL/sdk-version"; echo\n'
        'test -n "$SESSION_API_KEY" && echo has key\n'
    )
    automation = find_automation(tmp_path, "nightly-report")
    workspace = tmp_path / "packed"
    workspace.mkdir()
    order = assemble(automation, None, Wish(run_id="exported-1"), workspace).order
    story = begin(
        server,
        {},
        order.entrypoint,
        bundle=order.bundle,
        keys=order.keys,
        timeout=order.timeout,
    )
    outcome = await story.ends()
    assert ended(outcome) == ("success", "ok"), outcome.output.text()
    text = outcome.output.text()
    assert text.startswith("prepared\narg: two words\nbin\nready\nsetup.sh\n")
    assert '{"version": "1.' in text
    assert text.endswith("has key\n")


def commit(root: Path, name: str, text: str) -> str:
    (root / name).write_text(text)
    identity = {
        f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": "/dev/null"}
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", name],
        ["rev-parse", "HEAD"],
    ):
        done = subprocess.run(
            ["git", *words], cwd=root, env=environment, check=True, capture_output=True, text=True
        )
    return done.stdout.strip()


@pytest.mark.parametrize("content", ["archive", "git"])
async def test_the_repository_arrives_at_its_commit_with_the_changes(
    server: RealServer, tmp_path: Path, content: str
) -> None:
    root = tmp_path / "checkout"
    directory = root / "automations" / "job"
    directory.mkdir(parents=True)
    (directory / "automation.yaml").write_text(
        f"name: job\nentrypoint: bash main.sh\ngithub: {{repository: {content}}}\n"
    )
    history = 'git -C "$AUTOMATION_REPO_DIR" log --format=%s origin/base..HEAD; git -C "$AUTOMATION_REPO_DIR" status --short'
    (directory / "main.sh").write_text(
        'cat "$AUTOMATION_REPO_DIR/file"; grep "^[+-][a-z]" "$AUTOMATION_CHANGES"; echo "$AUTOMATION_SHA"\n'
        + (history if content == "git" else "true")
    )
    commit(root, "before", "x")
    base = commit(root, "file", "old\n")
    head = commit(root, "file", "new\n")
    (root / "file").write_text("not committed\n")
    workspace = tmp_path / "packed"
    workspace.mkdir()
    repository = Repository.discover(root)
    assert repository is not None
    wish = Wish(run_id=str(uuid4()), base=base)
    order = assemble(find_automation(root, "job"), repository, wish, workspace).order
    connection = AgentConnection(server.url, server.key)
    outcome = await Conductor(connection, order).conduct()
    assert ended(outcome) == ("success", "ok"), outcome.output.text() + outcome.log
    told = f"new\n-old\n+new\n{head}\n"
    assert outcome.output.text() == told + ("file\n" if content == "git" else "")
