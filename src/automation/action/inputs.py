"""The Action's inputs, read from the environment in which `action.yml` starts us, and all judged at once. Pure.

`INPUT_<NAME>` in capitals, with `_` for `-`; blank is the same as absent, because that is what an expression
without a value leaves. Every mistake is named in one `Misconfigured`, one per line, with what was expected and what
to do. No value is ever quoted: any input may hold a secret that somebody meant for another one.

The mappings `inputs`, `env` and `secrets` are read by `automation.action.text_mapping`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from automation.action.text_mapping import Kind, read_mapping
from automation.backends import BackendName
from automation.cloud.account import account_of
from automation.connection import connect_to
from automation.errors import Misconfigured
from automation.settings import AGENT_SERVER_URL

INPUTS: Final = (
    "mode",
    "automation",
    "agent-server-url",
    "agent-server-api-key",
    "cloud-api-url",
    "openhands-api-key",
    "backend",
    "github-token",
    "app-id",
    "private-key",
    "check-name",
    "sha",
    "pr",
    "inputs",
    "env",
    "secrets",
    "timeout",
    "automations-path",
    "working-directory",
    "fail-on",
    "keep",
)
"""Every input, as `action.yml` has it."""

_SHA: Final = re.compile(r"[0-9a-f]{40}")
_POSITIVE: Final = re.compile(r"[1-9][0-9]{0,17}")
_NUMBER: Final = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_APP_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\n.+\n-----END \1-----", re.DOTALL)
_NOT_IN_A_LINE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_WORD: Final = 60


class Mode(StrEnum):
    """What the Action does."""

    RUN = "run"
    WATCHDOG = "watchdog"


class FailOn(StrEnum):
    """When the step fails because of a verdict."""

    FAILURE = "failure"
    NEVER = "never"


@dataclass(frozen=True)
class Inputs:
    """What the workflow gave, judged; text is empty where nothing was given.

    Attributes:
        backend: what was asked for, None where it follows from what is given (`automation.action.backend_choice`).
        app_id: whose check runs are ours: an App's number or client id.
        sha: a full one in lower case.
        inputs, environment, secrets: text by name.
        timeout: seconds, None for the automation's own.
        working_directory: where the checkout is, relative to the workspace.
    """

    mode: Mode = Mode.RUN
    automation: str = ""
    agent_server_url: str = ""
    agent_server_api_key: str = field(default="", repr=False)
    cloud_api_url: str = ""
    openhands_api_key: str = field(default="", repr=False)
    backend: BackendName | None = None
    github_token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    check_name: str = ""
    sha: str = ""
    pull_request: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    automations_path: str | None = None
    working_directory: str = "."
    fail_on: FailOn = FailOn.FAILURE
    keep: bool = False

    @property
    def secret_values(self) -> list[str]:
        """Every value that must never be shown."""
        values = (
            self.agent_server_api_key,
            self.openhands_api_key,
            self.github_token,
            self.private_key,
            *self.secrets.values(),
        )
        return [value for value in values if value.strip()]


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """The inputs of this step.

    Raises:
        Misconfigured: names all that is wrong, one mistake per line.
    """
    given = _Given(environment)
    inputs = Inputs(
        mode=given.word("mode", Mode) or Mode.RUN,
        automation=given.line("automation"),
        agent_server_url=given.line("agent-server-url"),
        agent_server_api_key=given.key("agent-server-api-key"),
        cloud_api_url=given.line("cloud-api-url"),
        openhands_api_key=given.key("openhands-api-key"),
        backend=given.word("backend", BackendName),
        github_token=given.key("github-token"),
        app_id=given.app_id(),
        private_key=given.private_key(),
        check_name=given.line("check-name"),
        sha=given.sha(),
        pull_request=given.pull_request(),
        inputs=given.mapping(Kind.INPUTS),
        environment=given.mapping(Kind.ENVIRONMENT),
        secrets=given.mapping(Kind.SECRETS),
        timeout=given.timeout(),
        automations_path=given.line("automations-path") or None,
        working_directory=given.line("working-directory") or ".",
        fail_on=given.word("fail-on", FailOn) or FailOn.FAILURE,
        keep=given.switch("keep"),
    )
    complaints = [*given.complaints, *_contradictions(inputs, given)]
    if complaints:
        raise Misconfigured("\n".join(complaints))
    return inputs


class _Given:
    """The inputs as text, and all that is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.has_server = bool(environment.get(AGENT_SERVER_URL, "").strip())
        self.complaints: list[str] = []
        self._values = {
            name: environment.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip() for name in INPUTS
        }

    def has(self, name: str) -> bool:
        return bool(self._values[name])

    def line(self, name: str) -> str:
        value = self._values[name]
        if _NOT_IN_A_LINE.search(value):
            return self._refuse(name, "expected one line of text, without control characters")
        return value

    def key(self, name: str) -> str:
        value = self._values[name]
        if not all("!" <= character <= "~" for character in value):
            return self._refuse(
                name,
                "expected a key without spaces, line breaks or characters beyond ASCII; "
                "look at the secret that it comes from",
            )
        return value

    def word[E: StrEnum](self, name: str, words: type[E]) -> E | None:
        value = self._values[name]
        if not value or value in set(words):
            return words(value) if value else None
        near = get_close_matches(value[:_LONGEST_WORD].lower(), list(words), n=1)
        meant = f"; did you mean '{near[0]}'?" if near else ""
        self._refuse(name, f"expected {' or '.join(words)}{meant}")
        return None

    def app_id(self) -> str:
        value = self._values["app-id"]
        if value and not _APP_ID.fullmatch(value):
            return self._refuse("app-id", "expected the number or the client id of a GitHub App")
        return value

    def private_key(self) -> str:
        # As it is pasted: with the line breaks of another system, indented, or each of them as two characters.
        text = self._values["private-key"].replace("\\r", "").replace("\\n", "\n")
        text = "\n".join(line.strip() for line in text.splitlines() if line.strip())
        if text and ("ENCRYPTED" in text or not _PEM.fullmatch(text)):
            return self._refuse(
                "private-key",
                "expected the App's private key as GitHub gave it: PEM, not encrypted, with its line breaks, "
                "from '-----BEGIN' to 'PRIVATE KEY-----'",
            )
        return text

    def sha(self) -> str:
        value = self._values["sha"].lower()
        if value and not _SHA.fullmatch(value):
            return self._refuse(
                "sha", "expected all 40 hex digits of a commit, not a branch, a tag or a short SHA"
            )
        return value

    def pull_request(self) -> int | None:
        value = self._values["pr"]
        if value and not _POSITIVE.fullmatch(value):
            self._refuse("pr", "expected the number of a pull request, such as 12")
            return None
        return int(value) if value else None

    def timeout(self) -> float | None:
        value = self._values["timeout"]
        seconds = float(value) if _NUMBER.fullmatch(value) else math.nan
        if math.isfinite(seconds) and seconds > 0:
            return seconds
        if value:
            self._refuse("timeout", "expected a number of seconds more than 0, such as 600")
        return None

    def switch(self, name: str) -> bool:
        value = self._values[name].lower()
        if value not in {"", "true", "false"}:
            self._refuse(name, "expected true or false")
        return value == "true"

    def mapping(self, kind: Kind) -> dict[str, str]:
        found = read_mapping(kind, self._values[kind])
        self.complaints += found.complaints
        return found.values

    def _refuse(self, name: str, said: str) -> str:
        self.complaints.append(f"{name}: {said}")
        return ""


def _contradictions(inputs: Inputs, given: _Given) -> Iterator[str]:
    if inputs.mode is Mode.RUN and not given.has("automation"):
        yield "automation: expected the name or the path of an automation, and there is none"
    if inputs.agent_server_url:
        try:
            connect_to(inputs.agent_server_url)
        except Misconfigured as error:
            yield f"agent-server-url: {error.sentence}"
    elif (
        given.has("agent-server-api-key")
        and not given.has("agent-server-url")
        and not given.has_server
        and inputs.backend is not BackendName.EMBEDDED
    ):
        yield (
            "agent-server-url: a key is given and no URL; expected the server's URL "
            "(an empty repository variable is the usual cause)"
        )
    if inputs.cloud_api_url:
        try:
            account_of(inputs.cloud_api_url, "")
        except Misconfigured as error:
            yield f"cloud-api-url: {error.sentence}"
    if given.has("private-key") and not given.has("app-id"):
        yield "app-id: private-key is given without it; expected the number or the client id of the key's App"
