"""The fake GitHub without a socket, as the bot's transport reaches it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from automation.github.allowance import Allowance
from automation.github.clock import GitHubClock
from automation.github.errors import GitHubUnavailable
from automation.github.transport import AppKey, Credentials, Transport
from tests.bot.runs.place import PERMISSIONS
from tests.bot.world.ports import Ports, Side
from tests.fakes.github.recording import Recorded
from tests.fakes.github.server import FakeGitHub
from tests.fakes.github.service import Service
from tests.workflow import REPOSITORY

URL = "http://github.test"

type Answer = tuple[int, Mapping[str, str], str]
"""Status, headers, body."""


class Hub:
    """GitHub with the repository octo/demo, its pull request 7, and the App."""

    def __init__(self, checkout: Path, ports: Ports) -> None:
        github = FakeGitHub()
        github.world.url = URL
        self.ports = ports
        self.repository = github.repository(REPOSITORY, git=checkout)
        self.repository.collaborator("alice", "write")
        self.app = github.app("demo-bot", PERMISSIONS)
        self.app.install(REPOSITORY)
        self.pull = self.repository.pull(7, head=self.repository.resolve("main"), author="alice")
        self.installation = self.app.installations[0].id
        self._service = Service(github.world)

    def connect(
        self,
        api_url: str,
        credentials: Credentials,
        timeout: int,
        clock: GitHubClock | None = None,
        hear: Callable[[Allowance], None] | None = None,
    ) -> Transport:
        """In place of `Transport.connect`."""
        assert api_url == URL
        is_app = isinstance(credentials, AppKey)
        return Transport(_Requester(self, credentials), is_app=is_app, clock=clock, hear=hear)

    async def in_this_thread[T](self, call: Callable[[], T]) -> T:
        """In place of `in_daemon_thread`."""
        await asyncio.sleep(0)
        return self.ports.call(Side.GITHUB, call, GitHubUnavailable("GitHub did not answer"))

    def answer(self, method: str, url: str, query: str, token: str, body: bytes) -> Answer:
        path = urlsplit(url).path
        headers = {"authorization": f"Bearer {token}", "user-agent": "automation-action"}
        sent = self._service.serve(Recorded(method, "api", path, query, headers, body))
        return sent.status, sent.headers, sent.body.decode()


class _Requester:
    """In place of PyGithub's."""

    def __init__(self, hub: Hub, credentials: Credentials) -> None:
        self._hub = hub
        self._credentials = credentials

    def requestJson(  # noqa: N802
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, Any],
        input: Any,  # noqa: A002
    ) -> Answer:
        token = self._hub.app.jwt() if isinstance(self._credentials, AppKey) else self._credentials
        body = json.dumps(input).encode() if input is not None else b""
        return self._hub.answer(method, path, urlencode(parameters), token, body)

    def close(self) -> None:
        pass
