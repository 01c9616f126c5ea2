"""The fake GitHub for tests and for playing by hand: stateful, on loopback, strict where GitHub is strict.

What it does not know it answers like GitHub: 404. What GitHub's description forbids is collected in
`violations` once a contract is attached; the request gets its answer all the same.

A story of a bot, with the `github` fixture of tests/conftest.py:

    repository = github.repository("octo/demo", path)
    repository.collaborator("alice", "write")
    app = github.app("our-bot", {"checks": "write", ...}, hook_url=bot.url, secret=secret)
    app.install("octo/demo")
    repository.pull(7, head=sha).comment("/run-automation hello", author="alice")
    github.settle()                          the webhooks so far are delivered: look at `app.deliveries`
    github.requests_of(app)                  what the bot has asked
    repository.check("hello").is_("success")

What can happen in a repository stands in `repository.py`, what can befall an App in `apps.py`.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.github.apps import App, Token
from tests.fakes.github.edge import Edge
from tests.fakes.github.faults import Fault
from tests.fakes.github.publishing import Publisher
from tests.fakes.github.pulls import GONE
from tests.fakes.github.recording import Recorded
from tests.fakes.github.repository import Repository
from tests.fakes.github.service import Service
from tests.fakes.github.serving import Serving
from tests.fakes.github.subscriptions import events_of, judge_events
from tests.fakes.github.webhooks import SETTLED_WITHIN
from tests.fakes.github.world import World

if TYPE_CHECKING:
    from tests.fakes.github.contract import Contract

__all__ = ["GONE", "FakeGitHub"]


class FakeGitHub:
    """A GitHub on two loopback ports: one for the API (and the links in its answers), one for archives."""

    def __init__(self, port: int = 0) -> None:
        self._ports = (port, 0)
        self.world = World()
        self.world.publish = Publisher(self.world).publish
        self._edge = Edge(Service(self.world))
        self._serving: Serving | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *ended: object) -> None:
        self.close()

    def start(self) -> Self:
        """Serves from now on; started again after `close`, on the same ports and with all that it knew."""
        serving = Serving(*self._ports)
        self._ports = api, codeload = serving.ports[0], serving.ports[1]
        self.world.url = f"http://127.0.0.1:{api}"
        self.world.codeload_url = f"http://127.0.0.1:{codeload}"
        self._edge.codeload_port = codeload
        self._edge.closing = asyncio.Event()
        serving.start(self._edge, self._edge.closing.set)
        self._serving = serving
        self.world.outbox.open()
        return self

    def close(self) -> None:
        self.world.outbox.close()
        if self._serving is not None:
            self._serving.close()
            self._serving = None

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def codeload_url(self) -> str:
        return self.world.codeload_url

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, in the order of their arrival."""
        return self._edge.requests

    def requests_of(self, app: App) -> list[Recorded]:
        """What came by an App's key and tokens so far, refused or not, and the archives that it was sent to."""
        return [request for request in self.requests if request.app == app.slug]

    @property
    def violations(self) -> list[str]:
        """What broke GitHub's description, in requests and in answers of the fake."""
        return [f"{request}: {words}" for request in self.requests for words in request.violations]

    def attach(self, contract: "Contract") -> None:
        """Check every request and answer from now on."""
        self._edge.contract = contract

    def advance(self, seconds: float) -> None:
        """Moves the fake's clock on: tokens expire."""
        self.world.clock.advance(seconds)

    def user(self, login: str, kind: str = "User") -> None:
        """An account that has no role anywhere yet; kind is User, Bot or Organization."""
        self.world.account(login, kind)

    def repository(self, full_name: str, git: Path | str, *, private: bool = False) -> Repository:
        """A repository whose commits are in a git repository on disk, a work tree or a bare one."""
        return self.world.repository(full_name, git, private=private)

    def repository_named(self, full_name: str) -> Repository:
        """A repository that was set up before."""
        return self.world.repositories[full_name.lower()]

    def app(
        self,
        slug: str,
        permissions: Mapping[str, str],
        *,
        owner: str = "octocat",
        hook_url: str | None = None,
        secret: str = "",
        events: Sequence[str] | None = None,
    ) -> App:
        """A GitHub App; it may read metadata, too, as every App.

        Args:
            hook_url: where it is told what happens where it is installed; None for nowhere (yet: `app.hook`).
            secret: signs what it is told.
            events: what it asks to be told of; None for all that its permissions let it.

        Raises:
            ValueError: its permissions do not let it ask for these events.
        """
        wanted = events_of(permissions) if events is None else list(events)
        judge_events(permissions, wanted)
        app = self.world.add_app(slug, dict(permissions), owner, wanted)
        if hook_url is not None:
            app.hook(hook_url, secret)
        return app

    def manifest_submitted(self, manifest: Mapping[str, Any], *, owner: str = "octocat") -> str:
        """Somebody posts a manifest to the page for new Apps and agrees; the code that the page gives back.

        Raises:
            ValueError: the page refuses the manifest.
        """
        return self.world.manifests.submit(manifest, owner)

    def settle(self, timeout: float = SETTLED_WITHIN) -> None:
        """Returns when every webhook so far was sent and answered.

        Raises:
            AssertionError: one was not, within so many seconds.
        """
        self.world.outbox.settle(timeout)

    def job_token(
        self,
        repository: str,
        *,
        run_id: int,
        permissions: Mapping[str, str],
        expires_after_requests: int | None = None,
    ) -> Token:
        """A workflow job's GITHUB_TOKEN; it dies when the workflow run is completed."""
        return self.world.job_token(
            self.repository_named(repository), run_id, dict(permissions), expires_after_requests
        )

    def fault(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        after_effect: bool = False,
        delay: float = 0.0,
        drop: bool = False,
    ) -> Fault:
        """Something goes wrong with the next requests that fit; see `Fault`.

        Args:
            method: "*" for any.
            path: a regular expression, searched in the path without the query.
        """
        return self._edge.faults.add(
            Fault(
                method=method,
                path=re.compile(path),
                status=status,
                times=times,
                headers=headers or {},
                body=body,
                after_effect=after_effect,
                delay=delay,
                drop=drop,
            )
        )

    def clear_faults(self) -> None:
        self._edge.faults.clear()
