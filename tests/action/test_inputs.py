"""The Action's inputs: what is read, every mistake named at once, and no secret in any sentence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action.backend_choice import PRIVILEGED_EVENTS, choose_backend, refuse_embedded
from automation.action.inputs import (
    INPUTS,
    FailOn,
    Inputs,
    Mode,
    read_inputs,
)
from automation.backends import BackendName
from automation.errors import Misconfigured
from automation.reasons import Reason
from automation.settings import Settings

SHA = "0123456789abcdef0123456789abcdef01234567"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE KEY-----"


def environment(**inputs: str) -> dict[str, str]:
    """As `action.yml` starts us: every input is there, most of them empty."""
    given = {f"INPUT_{name.upper().replace('-', '_')}": "" for name in INPUTS}
    given |= {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
    return {"PATH": "/bin", **given}


def read(**inputs: str) -> Inputs:
    return read_inputs(environment(**({"automation": "hello"} | inputs)))


def complaints(**inputs: str) -> list[str]:
    with pytest.raises(Misconfigured) as refusal:
        read(**inputs)
    assert refusal.value.reason is Reason.BAD_CONFIG
    return refusal.value.sentence.splitlines()


def test_the_least_that_can_be_given() -> None:
    assert read_inputs({"INPUT_AUTOMATION": "hello"}) == Inputs(automation="hello")
    assert read() == Inputs(
        mode=Mode.RUN,
        automation="hello",
        backend=None,
        pull_request=None,
        timeout=None,
        automations_path=None,
        working_directory=".",
        fail_on=FailOn.FAILURE,
        keep=False,
    )


def test_the_most_that_can_be_given() -> None:
    found = read(
        mode=" run\n",
        automation="  .openhands/automations/review \n",
        agent_server_url=" https://agents.example.org:8000/ ",
        agent_server_api_key=" agent-key\n",
        cloud_api_url="https://cloud.example.org",
        openhands_api_key="cloud-key",
        backend="agent-server",
        github_token="ghs_1_x.y-z",
        app_id="Iv23liAbC",
        private_key=f"{PEM}\n",
        check_name="Review · 👩‍💻",
        sha=SHA.upper(),
        pr="12",
        inputs="level: 1.10\ndeep: true\n",
        env='{"COLOUR": "blue"}',
        secrets='{"NPM_TOKEN": "npm-secret", "EMPTY": ""}',
        timeout="1.5e2",
        automations_path="tools/automations",
        working_directory="checkout",
        fail_on="never",
        keep="TRUE",
    )
    assert found == Inputs(
        mode=Mode.RUN,
        automation=".openhands/automations/review",
        agent_server_url="https://agents.example.org:8000/",
        agent_server_api_key="agent-key",
        cloud_api_url="https://cloud.example.org",
        openhands_api_key="cloud-key",
        backend=BackendName.AGENT_SERVER,
        github_token="ghs_1_x.y-z",
        app_id="Iv23liAbC",
        private_key=PEM,
        check_name="Review · 👩‍💻",
        sha=SHA,
        pull_request=12,
        inputs={"level": "1.10", "deep": "true"},
        environment={"COLOUR": "blue"},
        secrets={"NPM_TOKEN": "npm-secret", "EMPTY": ""},
        timeout=150.0,
        automations_path="tools/automations",
        working_directory="checkout",
        fail_on=FailOn.NEVER,
        keep=True,
    )
    assert found.secret_values == ["agent-key", "cloud-key", "ghs_1_x.y-z", PEM, "npm-secret"]
    shown = repr(found)
    assert not [secret for secret in (*found.secret_values, "MIIE") if secret in shown]


class Asked(dict[str, str]):
    """An environment that keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__({"INPUT_AUTOMATION": "hello"})
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> str:
        self.names.add(name)
        return super().get(name, "")


def test_every_input_is_read_and_no_other() -> None:
    asked = Asked()
    read_inputs(asked)
    expected = {f"INPUT_{name.upper().replace('-', '_')}" for name in INPUTS}
    assert {name for name in asked.names if name.startswith("INPUT_")} == expected


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"mode": "Runn"}, "mode: expected run or watchdog; did you mean 'run'?"),
        ({"mode": "watch-dog"}, "mode: expected run or watchdog; did you mean 'watchdog'?"),
        ({"mode": "RUN"}, "mode: expected run or watchdog; did you mean 'run'?"),
        ({"mode": "x" * 10_000}, "mode: expected run or watchdog"),
        ({"fail_on": "always"}, "fail-on: expected failure or never"),
        ({"backend": "agentserver"}, "backend: expected agent-server or cloud or embedded; did you mean 'agent-server'?"),
        ({"cloud_api_url": "cloud.example.org"}, "cloud-api-url: the Cloud API URL is not an http or https address"),
        ({"automation": " "}, "automation: expected the name or the path of an automation"),
        ({"automation": "a\nb"}, "automation: expected one line of text"),
        ({"check_name": "a\u2028b"}, "check-name: expected one line of text"),
        ({"working_directory": "a\x00b"}, "working-directory: expected one line of text"),
        ({"automations_path": "\udcff"}, "automations-path: expected one line of text"),
        ({"sha": SHA[:7]}, "sha: expected all 40 hex digits of a commit, not a branch, a tag or a short SHA"),
        ({"sha": "main"}, "sha: expected all 40 hex digits"),
        ({"sha": "g" * 40}, "sha: expected all 40 hex digits"),
        ({"pr": "0"}, "pr: expected the number of a pull request"),
        ({"pr": "-1"}, "pr: expected the number"),
        ({"pr": "#12"}, "pr: expected the number"),
        ({"pr": "1.0"}, "pr: expected the number"),
        ({"pr": "1_0"}, "pr: expected the number"),
        ({"pr": "١"}, "pr: expected the number"),
        ({"pr": "9" * 5000}, "pr: expected the number"),
        ({"timeout": "0"}, "timeout: expected a number of seconds more than 0, such as 600"),
        ({"timeout": "-1"}, "timeout: expected"),
        ({"timeout": "nan"}, "timeout: expected"),
        ({"timeout": "inf"}, "timeout: expected"),
        ({"timeout": "1e999"}, "timeout: expected"),
        ({"timeout": "10m"}, "timeout: expected"),
        ({"timeout": "1_000"}, "timeout: expected"),
        ({"keep": "yes"}, "keep: expected true or false"),
        ({"keep": "1"}, "keep: expected true or false"),
        ({"app_id": "my app"}, "app-id: expected the number or the client id of a GitHub App"),
        ({"private_key": PEM}, "app-id: private-key is given without it"),
        ({"agent_server_url": "agents:8000"}, "agent-server-url: the agent-server URL is not an http or https"),
        ({"agent_server_url": "http://u:hunter2@h"}, "agent-server-url: the agent-server URL carries credentials"),
        ({"agent_server_api_key": "hunter2"}, "agent-server-url: a key is given and no URL"),
        ({"agent_server_url": "http://h", "agent_server_api_key": "hun ter2"}, "agent-server-api-key: expected a key"),
        ({"github_token": "hunter2\nhunter2"}, "github-token: expected a key without spaces, line breaks"),
        ({"openhands_api_key": "hünter2"}, "openhands-api-key: expected a key"),
        ({"inputs": "just text"}, "inputs: line 1: expected a mapping"),
        ({"env": "A-B: x"}, "env: line 1: 'A-B' is no environment variable's"),
        ({"secrets": "hunter2"}, "secrets: line 1: expected a mapping"),
    ],
)  # fmt: skip
def test_each_mistake_says_what_was_expected(inputs: dict[str, str], complaint: str) -> None:
    (said,) = complaints(**inputs)
    assert said.startswith(complaint)
    assert "hunter2" not in said


def test_all_mistakes_are_named_at_once() -> None:
    said = complaints(
        mode="rnu",
        automation="",
        agent_server_url="nowhere",
        backend="clowd",
        private_key="hunter2",
        sha="main",
        pr="x",
        env="A: [hunter2]\nB: {}",
        secrets="A: *hunter2",
        timeout="soon",
        fail_on="x",
        keep="x",
    )
    once = "mode automation agent-server-url backend private-key app-id sha pr secrets timeout fail-on keep"
    assert sorted(line.split(":")[0] for line in said) == sorted([*once.split(), "env", "env"])
    assert "hunter2" not in "".join(said)


def test_an_automation_is_for_runs_only() -> None:
    assert read(mode="watchdog", automation="").mode is Mode.WATCHDOG


@pytest.mark.parametrize("timeout", ["1", ".5", "600.", "0.25", "1e3"])
def test_timeouts(timeout: str) -> None:
    assert read(timeout=timeout).timeout == float(timeout)


@pytest.mark.parametrize(
    ("keep", "kept"), [("true", True), ("True", True), ("FALSE", False), (" false ", False), ("", False)]
)
def test_keep(keep: str, *, kept: bool) -> None:
    assert read(keep=keep).keep is kept


class TestPrivateKey:
    @pytest.mark.parametrize(
        "pasted",
        [
            pytest.param(PEM, id="as it is"),
            pytest.param(PEM + "\n\n", id="blank lines after it"),
            pytest.param(PEM.replace("\n", "\r\n"), id="line breaks of Windows"),
            pytest.param(PEM.replace("\n", "\\n") + "\\n", id="line breaks as two characters"),
            pytest.param(PEM.replace("\n", "\\r\\n"), id="as four characters"),
            pytest.param(PEM.replace("\n", "\n    "), id="indented"),
            pytest.param(PEM.replace("\n", " \n\n"), id="spread out"),
        ],
    )
    def test_is_mended_as_people_paste_it(self, pasted: str) -> None:
        assert read(app_id="1", private_key=pasted).private_key == PEM

    def test_in_another_container(self) -> None:
        pkcs8 = PEM.replace("RSA ", "")
        assert read(app_id="1", private_key=pkcs8).private_key == pkcs8

    @pytest.mark.parametrize(
        "pasted",
        [
            "hunter2",
            "key.pem",
            PEM.replace("\n", " "),
            PEM.removesuffix("-----END RSA PRIVATE KEY-----"),
            PEM.replace("PRIVATE", "PUBLIC"),
            PEM.replace("RSA", "ENCRYPTED"),
            PEM.replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\nM"),
            PEM.replace("END RSA", "END EC"),
            f"x{PEM}",
        ],
    )
    def test_what_is_none_is_refused_and_not_shown(self, pasted: str) -> None:
        (said,) = complaints(app_id="1", private_key=pasted)
        assert said.startswith("private-key: expected the App's private key as GitHub gave it: PEM")
        assert "hunter2" not in said
        assert "MIIE" not in said

    def test_an_app_id_alone_says_whose_checks_are_ours(self) -> None:
        assert read(app_id="12345").app_id == "12345"


class TestKeyWithoutUrl:
    def read(self, **more: str) -> Inputs:
        return read_inputs(environment(automation="hello", agent_server_api_key="k") | more)

    def test_is_an_empty_variable_most_often(self) -> None:
        with pytest.raises(Misconfigured, match="an empty repository variable is the usual cause"):
            self.read(AUTOMATION_AGENT_SERVER_URL=" ")

    def test_is_fine_where_the_environment_has_the_url(self) -> None:
        assert self.read(AUTOMATION_AGENT_SERVER_URL="http://h").agent_server_api_key == "k"

    def test_is_fine_where_no_url_is_wanted(self) -> None:
        assert self.read(INPUT_BACKEND="embedded").backend is BackendName.EMBEDDED


NOTHING, THERE = Settings(), Settings("http://there")
URL = Inputs(agent_server_url="http://h")


class TestBackend:
    @pytest.mark.parametrize(
        ("inputs", "settings", "backend", "why"),
        [
            (URL, NOTHING, "agent-server", "because agent-server-url is given"),
            (URL, THERE, "agent-server", "because agent-server-url is given"),
            (Inputs(), THERE, "agent-server", "because AUTOMATION_AGENT_SERVER_URL is given"),
            (replace(URL, openhands_api_key="k"), NOTHING, "agent-server", "because agent-server-url is given"),
            (Inputs(backend=BackendName.EMBEDDED), NOTHING, "embedded", "because `backend: embedded` is given"),
            (Inputs(openhands_api_key="k"), NOTHING, "cloud", "because openhands-api-key is given"),
            (Inputs(openhands_api_key="k"), THERE, "agent-server", "because AUTOMATION_AGENT_SERVER_URL is given"),
            (Inputs(cloud_api_url="http://c"), NOTHING, "cloud", "because cloud-api-url is given"),
            (Inputs(), Settings(cloud_api_key="k"), "cloud", "because OPENHANDS_API_KEY is given"),
            (
                Inputs(backend=BackendName.CLOUD, openhands_api_key="k"),
                NOTHING,
                "cloud",
                "because `backend: cloud` and openhands-api-key are given",
            ),
            (replace(URL, backend=BackendName.EMBEDDED), THERE, "embedded", "because `backend: embedded` is given"),
            (
                replace(URL, backend=BackendName.AGENT_SERVER),
                NOTHING,
                "agent-server",
                "because `backend: agent-server` and agent-server-url are given",
            ),
        ],
    )  # fmt: skip
    def test_is_what_is_asked_for_or_what_is_given(
        self, inputs: Inputs, settings: Settings, backend: str, why: str
    ) -> None:
        assert choose_backend(inputs, settings) == (backend, why)

    @pytest.mark.parametrize(
        ("inputs", "said"),
        [
            (Inputs(), "nothing is given .* give agent-server-url and agent-server-api-key .* `backend: embedded`"),
            (Inputs(backend=BackendName.AGENT_SERVER), "backend: agent-server needs agent-server-url"),
            (Inputs(backend=BackendName.CLOUD), "backend: cloud needs openhands-api-key, and it is empty"),
            (replace(URL, backend=BackendName.CLOUD), "`backend: cloud` and agent-server-url are both given"),
        ],
    )  # fmt: skip
    def test_needs_something(self, inputs: Inputs, said: str) -> None:
        with pytest.raises(Misconfigured, match=said) as refusal:
            choose_backend(inputs, NOTHING)
        assert refusal.value.reason is Reason.BAD_CONFIG
        assert "hunter2" not in refusal.value.sentence


EMBEDDED = Inputs(backend=BackendName.EMBEDDED)


class TestEmbedded:
    @pytest.mark.parametrize("event", sorted(PRIVILEGED_EVENTS))
    def test_is_refused_where_anybody_starts_it_beside_secrets(self, event: str) -> None:
        with pytest.raises(
            Misconfigured, match=f"beside the job's secrets, and anybody can cause {event}: run it"
        ):
            refuse_embedded(event, EMBEDDED)

    def test_is_refused_beside_an_apps_key(self) -> None:
        with pytest.raises(Misconfigured, match="leave private-key out") as refusal:
            refuse_embedded("push", replace(EMBEDDED, private_key=PEM))
        assert "MIIE" not in refusal.value.sentence

    @pytest.mark.parametrize(
        "event", ["push", "pull_request", "schedule", "workflow_dispatch", "merge_group"]
    )
    def test_is_left_alone_elsewhere(self, event: str) -> None:
        refuse_embedded(event, EMBEDDED)

    @pytest.mark.parametrize("backend", [None, BackendName.AGENT_SERVER])
    def test_other_backends_are_elsewhere(self, backend: BackendName | None) -> None:
        refuse_embedded("issue_comment", Inputs(backend=backend, private_key=PEM))


def pieces(text: str) -> Iterator[str]:
    return (text[at : at + 6] for at in range(len(text) - 5))


visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=20)


@given(st.sampled_from(INPUTS), visible.map(lambda text: f"Zq7{text}"))
def test_no_value_is_ever_quoted_where_it_may_be_a_secret(name: str, value: str) -> None:
    """Whatever input a secret is pasted into by mistake; a mapping's names are said, except those of secrets."""
    given_inputs = environment(automation="hello", private_key="x", backend="x")
    given_inputs[f"INPUT_{name.upper().replace('-', '_')}"] = value
    with pytest.raises(Misconfigured) as refusal:
        read_inputs(given_inputs)
    if name not in {"inputs", "env"}:
        assert not [piece for piece in pieces(value) if "Zq7" in piece and piece in refusal.value.sentence]
