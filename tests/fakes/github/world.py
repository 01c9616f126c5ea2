"""All that the fake GitHub knows, in memory, behind one lock."""

import itertools
import secrets
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.github.accounts import Account
from tests.fakes.github.apps import (
    ACTIONS_APP_ID,
    ACTIONS_APP_SLUG,
    App,
    Token,
    private_key,
    token_value,
)
from tests.fakes.github.clock import Clock
from tests.fakes.github.git import Git
from tests.fakes.github.happenings import Happening
from tests.fakes.github.manifests import Manifests
from tests.fakes.github.meter import JOB_LIMIT, Meter
from tests.fakes.github.repository import Repository
from tests.fakes.github.webhooks import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

JOB_TOKEN_LIFETIME = 24 * 3600
FIRST_IDS = {"check run": 45_000_000_001, "suite": 39_000_000_001, "comment": 3_000_000_001, "app": 1_200_001}
FIRST_IDS |= {"installation": 50_000_001, "hook": 400_000_001, "delivery": 70_000_000_001}


class World:
    """Accounts, repositories, Apps and tokens.

    Attributes:
        url: where the API and the pages are; the fake is one host for both.
        codeload_url: where archives are.
        lock: held by whoever reads or changes anything; reentrant.
        outbox: sends what Apps are told.
        publish: tells Apps what has happened; called under the lock.
        manifests: Apps that are made on a page.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.outbox = Outbox()
        self.manifests = Manifests(self)
        self.publish: Callable[[Happening], None] = lambda _: None
        self.url = ""
        self.codeload_url = ""
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.apps: dict[int, App] = {}
        self.tokens: dict[str, Token] = {}
        self._tickets: dict[str, str] = {}
        self._archives: dict[str, list[str]] = defaultdict(list)
        self._ids: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1001))
        for kind, first in FIRST_IDS.items():
            self._ids[kind] = itertools.count(first)
        self.actions_app = App(ACTIONS_APP_ID, ACTIONS_APP_SLUG, "github", {}, self, "2018-07-30T09:30:17Z")
        self.apps[ACTIONS_APP_ID] = self.actions_app
        self.account("github", "Organization")
        self.account("octocat")

    @property
    def apps_by_slug(self) -> dict[str, App]:
        return {app.slug: app for app in self.apps.values()}

    def tell(self, happening: Happening) -> None:
        """Says that something happened."""
        with self.lock:
            self.publish(happening)

    def next_id(self, kind: str) -> int:
        return next(self._ids[kind])

    def account(self, login: str, kind: str = "User") -> Account:
        """The account of this name, made if there is none; those of Apps are Bots."""
        kind = "Bot" if login.endswith("[bot]") else kind
        with self.lock:
            return self.accounts.setdefault(login.lower(), Account(self.next_id("account"), login, kind))

    def repository(self, full_name: str, git: Path | str, *, private: bool) -> Repository:
        with self.lock:
            return self._add(full_name, Git(git), is_private=private)

    def fork(self, parent_name: str, full_name: str) -> Repository:
        """A fork with the same objects, made if there is none."""
        parent = self.repositories[parent_name.lower()]
        found = self.repositories.get(full_name.lower())
        if found is None:
            found = self._add(full_name, parent.git, is_private=parent.is_private)
            found.parent = parent
        return found

    def _add(self, full_name: str, git: Git, *, is_private: bool) -> Repository:
        assert full_name.count("/") == 1, f"{full_name!r} is not OWNER/NAME"
        assert full_name.lower() not in self.repositories, f"there is a repository {full_name}"
        self.account(full_name.partition("/")[0])
        repository = Repository(self, self.next_id("repository"), full_name, git, is_private=is_private)
        self.repositories[full_name.lower()] = repository
        return repository

    def add_app(
        self, slug: str, permissions: dict[str, str], owner: str, events: "Sequence[str]" = ()
    ) -> App:
        with self.lock:
            assert slug not in self.apps_by_slug, f"there is an App {slug}"
            self.account(owner)
            self.account(f"{slug}[bot]", "Bot")
            key = private_key(len(self.apps))
            app = App(
                self.next_id("app"),
                slug,
                owner,
                {"metadata": "read"} | permissions,
                self,
                self.clock.stamp(),
                key,
                list(events),
            )
            self.apps[app.id] = app
            return app

    def job_token(
        self,
        repository: Repository,
        run_id: int,
        permissions: dict[str, str],
        requests: int | None,
    ) -> Token:
        """What a job of a workflow run gets as GITHUB_TOKEN."""
        token = Token(
            token_value(ACTIONS_APP_ID),
            self.actions_app,
            installation_id=0,
            repositories=frozenset({repository.full_name.lower()}),
            permissions={"metadata": "read"} | permissions,
            expires_at=self.clock.now() + JOB_TOKEN_LIFETIME,
            requests_left=requests,
            run_id=run_id,
            meter=Meter(JOB_LIMIT),
        )
        return self.add_token(token)

    def archive_ticket(self, full_name: str) -> str:
        """What lets its bearer fetch a private repository's archive."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = full_name
        return ticket

    def lead_to_archive(self, path: str, slug: str) -> None:
        """Notes that an App was sent to an archive, which is fetched without a credential."""
        self._archives[path].append(slug)

    def archive_asked_by(self, path: str) -> str | None:
        """The App that was sent to an archive the longest time ago; the last one fetches again and again."""
        waiting = self._archives[path]
        return (waiting.pop(0) if len(waiting) > 1 else waiting[0]) if waiting else None

    def is_ticket(self, ticket: str, full_name: str) -> bool:
        return self._tickets.get(ticket) == full_name

    def add_token(self, token: Token) -> Token:
        with self.lock:
            self.tokens[token.value] = token
            return token
