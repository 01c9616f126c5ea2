"""Each mode starts from the same inputs and connections: who reads, who writes, where runs go, what is never shown."""

import asyncio
import functools
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from automation.action.surroundings import Surroundings
from automation.connection import AgentConnection
from automation.errors import Misconfigured
from automation.github import AppTokens, GitHub, GivenToken
from automation.report import Report
from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"
TOKEN = "ghs_the-jobs-token"


def at(inputs: dict[str, str] | None = None, **variables: str) -> Surroundings:
    """A step's surroundings; inputs by the names that action.yml gives them."""
    given = {"automation": "guard"} | (inputs or {})
    return Surroundings.read(
        {
            "GITHUB_REPOSITORY": "octo/demo",
            "GITHUB_API_URL": "http://127.0.0.1:9/api/v3",
            **{f"INPUT_{name.upper().replace('-', '_')}": value for name, value in given.items()},
            **variables,
        }
    )


def test_everything_is_read_from_the_environment() -> None:
    here = at({"sha": "a" * 40}, AUTOMATION_AGENT_SERVER_URL="http://h", GITHUB_SHA="b" * 40)
    assert (here.inputs.sha, here.context.sha, here.settings.agent_server_url) == (
        "a" * 40,
        "b" * 40,
        "http://h",
    )


@pytest.mark.parametrize(
    ("inputs", "says"),
    [({"automation": ""}, "automation:"), ({"sha": "main"}, "sha:"), ({"timeout": "x"}, "timeout:")],
)
def test_what_is_wrong_is_said(inputs: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        at(inputs)


def test_elsewhere_than_in_a_workflow_there_are_none() -> None:
    with pytest.raises(Misconfigured, match="elsewhere use `automation run`"):
        Surroundings.read({"INPUT_AUTOMATION": "guard"})


def test_a_token_reads_and_writes() -> None:
    here = at({"github-token": TOKEN})
    reader, writer = here.reader(), here.writer()
    assert reader is not None
    assert writer is not None
    assert (reader.repository, reader.api_url) == ("octo/demo", "http://127.0.0.1:9/api/v3")
    for client in (reader, writer):
        assert isinstance(client.tokens, GivenToken)
        assert client.tokens.value == TOKEN
    assert here.reader() is reader
    assert here.writer() is writer
    here.close()


def test_an_app_writes_and_the_jobs_token_reads() -> None:
    here = at({"github-token": TOKEN, "app-id": "123", "private-key": KEY})
    reader, writer = here.reader(), here.writer()
    assert reader is not None
    assert writer is not None
    assert isinstance(reader.tokens, GivenToken)
    assert isinstance(writer.tokens, AppTokens)
    assert (writer.tokens.app_id, writer.tokens.private_key) == ("123", KEY)
    here.close()


def test_an_app_alone_does_both() -> None:
    here = at({"app-id": "123", "private-key": KEY})
    assert here.reader() is here.writer()
    assert here.writer() is not None
    here.close()


def test_without_a_token_nobody_does() -> None:
    here = at()
    assert here.reader() is None
    assert here.writer() is None
    here.close()


@pytest.mark.parametrize(
    ("inputs", "app_id"),
    [
        ({"github-token": TOKEN}, 0),
        ({"github-token": TOKEN, "app-id": "123"}, 123),
        ({"app-id": "123", "private-key": KEY}, 123),
        ({"app-id": "Iv23li456", "private-key": KEY}, 0),
    ],
)
def test_whose_check_runs_are_ours(inputs: dict[str, str], app_id: int) -> None:
    here = at(inputs)
    assert here.app_id == app_id
    here.writer()
    assert here.app_id == app_id, "a client that has asked for nothing yet knows no better"
    here.close()


def test_the_app_is_known_for_certain_once_it_has_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_key = functools.cache(load_pem_private_key)
    monkeypatch.setattr("jwt.algorithms.load_pem_private_key", read_key)
    monkeypatch.setattr("tests.fakes.github.credentials.load_pem_private_key", read_key)
    checkout = Checkout.make(tmp_path / "checkout")
    checkout.commit()
    with FakeGitHub() as github:
        github.repository("octo/demo", checkout.path)
        app = github.app("automation-bot", {"checks": "write"})
        app.install("octo/demo")
        here = at({"app-id": app.client_id, "private-key": app.private_key}, GITHUB_API_URL=github.url)
        writer = here.writer()
        assert writer is not None
        asyncio.run(writer.token())
        assert here.app_id == app.id
        here.close()


SECRETS = {
    "agent-server-api-key": "the-agents-key",
    "agent-server-url": "http://h",
    "openhands-api-key": "the-clouds-key",
    "github-token": TOKEN,
    "app-id": "123",
    "private-key": KEY,
    "secrets": "NPM_TOKEN: the-npm-token\nEMPTY: ''\n",
}
VARIABLES = {
    "AUTOMATION_AGENT_SERVER_API_KEY": "the-settings-key",
    "AUTOMATION_FORK_AGENT_SERVER_API_KEY": "the-forks-key",
    "AUTOMATION_AGENT_SERVER_URL": "http://h",
}


def test_everything_secret_is_known_and_masked() -> None:
    here = at(SECRETS, **VARIABLES)
    secrets = {
        "the-agents-key",
        "the-clouds-key",
        TOKEN,
        KEY,
        "the-npm-token",
        "the-settings-key",
        "the-forks-key",
    }
    assert set(here.secrets) == secrets
    assert "" not in here.secrets
    text = " ".join(sorted(secrets))
    cleaned = Report(text, text, text).redacted(here.redactor)
    for part in (cleaned.title, cleaned.summary, cleaned.text):
        assert not [secret for secret in secrets if secret in part]
        assert "***" in part
    assert "MIIEpAIBAAKCAQEA" not in here.redactor.text("a line of it: MIIEpAIBAAKCAQEA")


def test_nothing_secret_is_in_what_it_looks_like() -> None:
    here = at(SECRETS, **VARIABLES)
    here.reader()
    here.writer()
    shown = repr(here)
    assert not [secret for secret in [*here.secrets, "MIIEpAIBAAKCAQEA"] if secret in shown]
    here.close()


@pytest.mark.parametrize(
    ("inputs", "variables", "expected"),
    [
        (
            {"agent-server-url": "http://a/", "agent-server-api-key": "ka"},
            {},
            AgentConnection("http://a", "ka"),
        ),
        ({"agent-server-url": "http://a"}, {}, AgentConnection("http://a", "")),
        (
            {},
            {"AUTOMATION_AGENT_SERVER_URL": "http://s", "AUTOMATION_AGENT_SERVER_API_KEY": "ks"},
            AgentConnection("http://s", "ks"),
        ),
        (
            {"agent-server-url": "http://a", "agent-server-api-key": "ka"},
            {"AUTOMATION_AGENT_SERVER_URL": "http://s", "AUTOMATION_AGENT_SERVER_API_KEY": "ks"},
            AgentConnection("http://a", "ka"),
        ),
    ],
)
def test_runs_go_to_the_server_that_is_given(
    inputs: dict[str, str], variables: dict[str, str], expected: AgentConnection
) -> None:
    here = at(inputs, **variables)
    assert here.connection() == expected
    assert here.connection(is_fork=True) == expected, "where none is set aside for forks"


def test_a_key_may_come_another_way_than_its_url() -> None:
    here = at({"agent-server-url": "http://a"}, AUTOMATION_AGENT_SERVER_API_KEY="ks")
    assert here.connection() == AgentConnection("http://a", "ks")


def test_the_key_of_one_server_does_not_go_to_another() -> None:
    here = at(
        {"agent-server-url": "http://another"},
        AUTOMATION_AGENT_SERVER_URL="http://s",
        AUTOMATION_AGENT_SERVER_API_KEY="ks",
    )
    assert here.connection() == AgentConnection("http://another", "")


@pytest.mark.parametrize("key", ["", "kf"])
def test_a_forks_code_goes_to_the_server_for_forks_with_that_ones_key(key: str) -> None:
    here = at(
        {"agent-server-url": "http://a", "agent-server-api-key": "ka"},
        AUTOMATION_FORK_AGENT_SERVER_URL="http://f",
        AUTOMATION_FORK_AGENT_SERVER_API_KEY=key,
    )
    assert here.connection(is_fork=True) == AgentConnection("http://f", key)
    assert here.connection() == AgentConnection("http://a", "ka")


def test_without_a_server_it_is_said_how_to_give_one() -> None:
    with pytest.raises(Misconfigured, match="Give `agent-server-url`, or set AUTOMATION_AGENT_SERVER_URL"):
        at().connection()


def test_a_server_that_is_none() -> None:
    here = at({}, AUTOMATION_AGENT_SERVER_URL="ftp://x")
    with pytest.raises(Misconfigured, match="not an http or https address"):
        here.connection()


def test_closing_is_for_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[GitHub] = []
    monkeypatch.setattr(GitHub, "close", lambda client: closed.append(client))  # noqa: PLW0108  # it is to be bound
    here = at({"github-token": TOKEN, "app-id": "123", "private-key": KEY})
    here.close()
    assert closed == []
    clients = {here.reader(), here.writer()}
    here.close()
    assert len(closed) == 2
    assert set(closed) == clients
