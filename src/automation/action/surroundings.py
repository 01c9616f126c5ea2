"""What every mode of the Action starts from: its inputs, its context, and the connections that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from automation.action.context import Context, read_context
from automation.action.inputs import Inputs, read_inputs
from automation.cloud import CloudAccount
from automation.connection import AgentConnection, connect_to
from automation.errors import Misconfigured
from automation.github import AppTokens, GitHub, GivenToken
from automation.redaction import Redactor
from automation.settings import AGENT_SERVER_URL, Settings


@dataclass
class Surroundings:
    """Where a step stands. Clients that it has made are closed with it."""

    inputs: Inputs
    context: Context
    settings: Settings
    _reader: GitHub | None = field(default=None, init=False)
    _writer: GitHub | None = field(default=None, init=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """From the step's environment.

        Raises:
            Misconfigured: with all that is wrong in the inputs.
        """
        context = read_context(environment)
        return cls(read_inputs(environment), context, Settings.from_environment(environment))

    @property
    def secrets(self) -> list[str]:
        """Everything that must appear in nothing that is written."""
        keys = (
            self.settings.agent_server_api_key,
            self.settings.fork_agent_server_api_key,
            self.settings.cloud_api_key,
        )
        return [value for value in (*self.inputs.secret_values, *keys) if value]

    @cached_property
    def redactor(self) -> Redactor:
        return Redactor(self.secrets)

    @property
    def app_id(self) -> int:
        """Of the App that writes check runs; 0 while only GitHub's answers can tell."""
        tokens = self._writer.tokens if self._writer else None
        if isinstance(tokens, AppTokens) and tokens.app_number:
            return tokens.app_number
        return int(self.inputs.app_id) if self.inputs.app_id.isdecimal() else 0

    def reader(self) -> GitHub | None:
        """For what is read: with the job's token, None where none is given."""
        if self._reader is None:
            if self.inputs.github_token:
                self._reader = self._client(GivenToken(self.inputs.github_token))
            elif self.inputs.private_key:
                self._reader = self.writer()
        return self._reader

    def writer(self) -> GitHub | None:
        """For check runs: as the App where one is given, otherwise with the job's token."""
        if self._writer is None:
            if self.inputs.private_key:
                self._writer = self._client(AppTokens(self.inputs.app_id, self.inputs.private_key))
            elif self.inputs.github_token:
                self._writer = self._client(GivenToken(self.inputs.github_token))
        return self._writer

    def connection(self, *, is_fork: bool = False) -> AgentConnection:
        """The agent-server; for a fork's code the one that is set aside for forks, where there is one.

        Raises:
            Misconfigured: the address cannot be one.
        """
        if is_fork and self.settings.fork_agent_server_url:
            return connect_to(self.settings.fork_agent_server_url, self.settings.fork_agent_server_api_key)
        url = self.inputs.agent_server_url or self.settings.agent_server_url
        if not url:
            raise Misconfigured(f"which agent-server? Give `agent-server-url`, or set {AGENT_SERVER_URL}")
        # The key of one server is not sent to another one.
        is_same = self.settings.agent_server_url in {"", url}
        return connect_to(
            url, self.inputs.agent_server_api_key or (self.settings.agent_server_api_key if is_same else "")
        )

    def cloud_account(self) -> CloudAccount:
        """Whose sandboxes are made.

        Raises:
            Misconfigured: the address cannot be one.
        """
        url = self.inputs.cloud_api_url or self.settings.cloud_api_url
        # The key of one Cloud is not sent to another one.
        is_same = self.settings.cloud_api_url in {"", url}
        key = self.inputs.openhands_api_key or (self.settings.cloud_api_key if is_same else "")
        return replace(self.settings, cloud_api_url=url, cloud_api_key=key).cloud_account()

    def close(self) -> None:
        for client in {self._reader, self._writer} - {None}:
            if client is not None:
                client.close()

    def _client(self, tokens: GivenToken | AppTokens) -> GitHub:
        return GitHub(self.context.api_url, self.context.repository, tokens)
