"""Whatever a value holds arrives in the run as it was given, and a name that cannot is refused."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.connection import AgentConnection
from automation.errors import Misconfigured
from automation.run.environment import (
    KEYS_OF_THE_SERVER,
    MAX_EVENT_VARIABLE,
    READ_ONLY_IN_BASH,
    Subject,
    environment_file,
    event_variable,
    run_environment,
)
from automation.run.reduced_event import reduced_event

SERVER = AgentConnection("http://127.0.0.1:8000", "hunter2")
SHELLS = [name for name in ("bash", "sh", "dash") if shutil.which(name)]
BYTES = st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=3)
VALUES = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | BYTES).map(
    "".join
)
NAMES = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,12}\Z").map("T_{}".format)


def commented(body: str) -> Subject:
    return Subject(name="Guard", event_name="issue_comment", event={"comment": {"body": body}})


def sourced(shell: str, file: bytes, environment: dict[str, str] | None = None) -> dict[bytes, bytes]:
    """What a program gets that is started by a shell that has read the file from its standard input."""
    done = subprocess.run(
        [shutil.which(shell) or shell, "-c", ". /dev/stdin; exec env -0"],
        input=file,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | (environment or {}),
        capture_output=True,
        check=True,
        timeout=10,
    )
    assert done.stderr == b""
    pairs = (line.partition(b"=") for line in done.stdout.split(b"\0") if line)
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=40, deadline=None)
@given(variables=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_value_survives_the_shell(shell: str, variables: dict[str, str]) -> None:
    arrived = sourced(shell, environment_file(variables))
    for name, value in variables.items():
        assert arrived[name.encode()] == value.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "a b",
        "it's",
        "'; touch pwned; '",
        "$(touch pwned)",
        "`touch pwned`",
        "a\nb\n",
        "\\",
        "~",
        "*",
        "é🎉\r\t!",
    ],
)
def test_values_are_data(shell: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sourced(shell, environment_file({"A": value}))[b"A"] == value.encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_servers_own_keys_are_taken_away(shell: str) -> None:
    inherited = dict.fromkeys((*KEYS_OF_THE_SERVER, "OTHER"), "hunter2")
    arrived = sourced(shell, environment_file({"A": "1"}), inherited)
    assert b"OTHER" in arrived
    assert not {name.encode() for name in KEYS_OF_THE_SERVER} & set(arrived)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_key_that_is_passed_on_arrives(shell: str) -> None:
    arrived = sourced(shell, environment_file({"SESSION_API_KEY": "mine"}), {"SESSION_API_KEY": "theirs"})
    assert arrived[b"SESSION_API_KEY"] == b"mine"


@pytest.mark.parametrize(
    "name", ["", "1A", "A-B", "A B", "A=B", "A\n", "A;touch pwned", "é", "A[0]", *sorted(READ_ONLY_IN_BASH)]
)
def test_a_name_that_no_shell_exports(name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be set") as refusal:
        environment_file({name: "hunter2"})
    assert "hunter2" not in refusal.value.sentence


def test_every_readonly_variable_of_bash_is_refused() -> None:
    answer = subprocess.run(["bash", "-c", "readonly -p"], capture_output=True, text=True, check=True)
    names = {line.split("=")[0].split()[-1] for line in answer.stdout.splitlines()}
    assert names <= READ_ONLY_IN_BASH


def test_a_nul_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="'TOKEN' has a NUL") as refusal:
        environment_file({"TOKEN": "hunter2\0"})
    assert "hunter2" not in refusal.value.sentence


def test_half_a_character_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="'TITLE'"):
        environment_file({"TITLE": "\ud83d"})


class TestWhatARunGets:
    def test_of_nothing_only_the_names_that_have_a_value(self) -> None:
        found = run_environment("nightly-1", "/base/run", Subject(), SERVER)
        assert found == {
            "AUTOMATION_RUN_ID": "nightly-1",
            "AUTOMATION_USER_ID": "00000000-0000-0000-0000-000000000000",
            "AUTOMATION_ORG_ID": "00000000-0000-0000-0000-000000000000",
            "AUTOMATION_API_URL": "file:///base/run/api",
            "AUTOMATION_EVENT_PAYLOAD": '{"trigger": "manual", "automation_name": ""}',
            "AGENT_SERVER_URL": "http://127.0.0.1:8000",
            "WORKSPACE_BASE": "/base/run/work",
            "AUTOMATION_RESULT": "/base/run/result.json",
            "AUTOMATION_SUMMARY": "/base/run/summary.md",
        }

    def test_of_a_pull_request(self) -> None:
        subject = Subject(
            name="Guard",
            sha="a" * 40,
            head_ref="topic",
            base_sha="b" * 40,
            base_ref="main",
            pull_request=7,
            event_name="pull_request",
            event={"number": 7},
            model="fast",
        )
        found = run_environment(
            "r",
            "/base/run",
            subject,
            SERVER,
            callback_url="https://bot.example/done",
            has_repository=True,
            has_changes=True,
        )
        assert (
            found.items()
            >= {
                "AUTOMATION_NAME": "Guard",
                "AUTOMATION_SHA": "a" * 40,
                "AUTOMATION_HEAD_REF": "topic",
                "AUTOMATION_BASE_SHA": "b" * 40,
                "AUTOMATION_BASE_REF": "main",
                "AUTOMATION_PR": "7",
                "AUTOMATION_MODEL": "fast",
                "AUTOMATION_CALLBACK_URL": "https://bot.example/done",
                "AUTOMATION_REPO_DIR": "/base/run/repository",
                "AUTOMATION_CHANGES": "/base/run/changes.patch",
                "AUTOMATION_EVENT_PATH": "/base/run/event.json",
            }.items()
        )
        assert json.loads(found["AUTOMATION_EVENT_PAYLOAD"]) == {
            "trigger": "event",
            "automation_name": "Guard",
            "event": reduced_event("pull_request", {"number": 7}),
        }

    def test_in_a_sandbox_there_is_its_id_instead_of_an_address(self) -> None:
        found = run_environment(
            "r", "/base/run", Subject(), AgentConnection("https://s.example", "k", "sb-1")
        )
        assert found["SANDBOX_ID"] == "sb-1"
        assert "AGENT_SERVER_URL" not in found

    def test_never_the_servers_key_by_itself(self) -> None:
        assert "hunter2" not in str(run_environment("r", "/base/run", Subject(), SERVER))

    def test_the_api_is_a_url_whatever_the_directory(self) -> None:
        found = run_environment("r", "/a b/é#?%", Subject(), SERVER)
        assert found["AUTOMATION_API_URL"] == "file:///a%20b/%C3%A9%23%3F%25/api"
        assert found["WORKSPACE_BASE"] == "/a b/é#?%/work"

    @pytest.mark.parametrize("character", ["x", "é", "🎉", '"'])
    def test_an_event_that_is_too_large_is_left_to_its_file(self, character: str) -> None:
        whole = json.loads(event_variable(commented(character)))
        assert whole["event"]["comment"]["body"] == character
        large = event_variable(commented(character * MAX_EVENT_VARIABLE))
        assert json.loads(large) == {"trigger": "event", "automation_name": "Guard"}

    def test_the_variable_fits_what_a_kernel_takes(self) -> None:
        for size in range(MAX_EVENT_VARIABLE - 200, MAX_EVENT_VARIABLE + 10, 7):
            assert len(event_variable(commented("x" * size)).encode()) <= MAX_EVENT_VARIABLE
