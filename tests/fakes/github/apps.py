"""GitHub Apps, where they are installed, the tokens that act for them, and what they are told.

A test makes an App with `github.app(slug, permissions, hook_url=..., secret=...)`, installs it, and then looks
at `app.deliveries`; `app.redeliver(guid)` sends one again and `app.post(event, payload)` sends anything.
`app.installations[0]` is suspended, let go on or deleted; `app.tokens` are what clients have fetched.
"""

import functools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github.happenings import Happening
from tests.fakes.github.installations import Installation, one_owner
from tests.fakes.github.meter import Meter
from tests.fakes.github.webhooks import Delivery, Webhook, encode, headers_of, new_guid

if TYPE_CHECKING:
    from tests.fakes.github.world import World

# The App that every GITHUB_TOKEN acts as.
ACTIONS_APP_ID = 15368
ACTIONS_APP_SLUG = "github-actions"
LEVELS = ("none", "read", "write", "admin")
TOKEN_LIFETIME = 3600


def covers(granted: Mapping[str, str], name: str, level: str) -> bool:
    """Whether permissions include one of at least this level."""
    return LEVELS.index(granted.get(name, "none")) >= LEVELS.index(level)


@functools.cache
def private_key(number: int) -> str:
    """A key of its own for the n-th App of a fake, made once a process: making one takes a tenth of a second."""
    del number
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@dataclass
class Token:
    """An installation token, or a job's GITHUB_TOKEN, which is one of the App `github-actions`.

    Attributes:
        repositories: full names, lower case.
        expires_at: seconds since 1970.
        requests_left: it expires after so many more requests; None for no such end.
        run_id: the workflow run that a job token belongs to; it dies with it.
        meter: what it has used of its limits.
    """

    value: str
    app: "App"
    installation_id: int
    repositories: frozenset[str]
    permissions: dict[str, str]
    expires_at: float
    requests_left: int | None = None
    run_id: int | None = None
    meter: Meter = field(default_factory=Meter)
    is_ended: bool = False
    is_refused: bool = False

    @property
    def is_job_token(self) -> bool:
        return self.app.id == ACTIONS_APP_ID

    def expire(self) -> None:
        """From now on: 401 Bad credentials."""
        self.is_ended = True

    def revoke(self) -> None:
        """Somebody ended it, as by `DELETE /installation/token`: 401 Bad credentials."""
        self.expire()

    def refuse(self) -> None:
        """From now on nothing is permitted to it: 403 Resource not accessible by integration."""
        self.is_refused = True

    def is_valid(self, now: float) -> bool:
        return not self.is_ended and now < self.expires_at and self.requests_left != 0

    def count(self) -> None:
        """One more request with it."""
        if self.requests_left:
            self.requests_left -= 1


@dataclass
class App:
    """A GitHub App.

    Attributes:
        private_key: PEM; empty for an App that nobody acts as by JWT.
        events: what it has asked to be told of.
        webhook: where it is told, None for nowhere.
        deliveries: what was sent there or is going to be, the oldest first.
    """

    id: int
    slug: str
    owner: str
    permissions: dict[str, str]
    world: "World" = field(repr=False)
    created_at: str
    private_key: str = field(default="", repr=False)
    events: list[str] = field(default_factory=list)
    installations: list[Installation] = field(default_factory=list)
    webhook: Webhook | None = None
    deliveries: list[Delivery] = field(default_factory=list, repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.slug

    @property
    def client_id(self) -> str:
        """What a JWT may name as `iss` instead of the id."""
        return f"Iv23li{self.id}"

    @property
    def bot(self) -> str:
        """The login that it writes under."""
        return f"{self.slug}[bot]"

    @property
    def tokens(self) -> list["Token"]:
        """Every token that was made for it, the oldest first."""
        return [token for token in self.world.tokens.values() if token.app is self]

    def hook(self, url: str, secret: str = "", *, active: bool = True) -> Webhook:
        """From now on it is told there."""
        with self.world.lock:
            self.webhook = Webhook(self.world.next_id("hook"), url, secret, active)
            return self.webhook

    def post(
        self,
        event: str,
        payload: Mapping[str, Any] | bytes,
        guid: str | None = None,
        *,
        repository_id: int | None = None,
    ) -> Delivery:
        """Sends any payload, after all that is waiting; `.wait()` on the delivery returns when it is over."""
        given = {} if isinstance(payload, bytes) else payload
        installation = given.get("installation") or {}
        return self._put(
            event,
            given.get("action"),
            encode(payload),
            guid or new_guid(),
            installation_id=installation.get("id"),
            repository_id=repository_id or (given.get("repository") or {}).get("id"),
        )

    def redeliver(self, guid: str) -> Delivery:
        """Sends a delivery again: the same GUID, the same body."""
        first = next((each for each in self.deliveries if each.guid == guid), None)
        assert first is not None, f"nothing was ever sent to {self.slug} as {guid}"
        return self._put(
            first.event,
            first.action,
            first.body,
            guid,
            installation_id=first.installation_id,
            repository_id=first.repository_id,
            is_redelivery=True,
        )

    def _put(self, event: str, action: str | None, body: bytes, guid: str, **rest: Any) -> Delivery:
        assert self.webhook is not None, f"the App {self.slug} has no webhook: say where with app.hook(url)"
        with self.world.lock:
            now = self.world.clock.now()
            identity = self.world.next_id("delivery")
            delivery = Delivery(identity, guid, self.webhook, event, action, body, now, **rest)
            delivery.headers = headers_of(delivery, self.id)
            self.deliveries.append(delivery)
            self.world.outbox.put(delivery)
            return delivery

    def install(self, *repositories: str) -> int:
        """Installs it on repositories of one account; returns the installation's id.

        Tells installation.created, or installation_repositories.added where it was installed before.
        """
        account, names = one_owner(repositories)
        with self.world.lock:
            for installation in self.installations:
                if installation.account.lower() == account.lower():
                    added = names - installation.repositories
                    installation.repositories |= names
                    details = {"added": sorted(added), "removed": []}
                    self.world.tell(
                        Happening(
                            "installation_repositories", "added", installation, account, None, details, self
                        )
                    )
                    return installation.id
            identity = self.world.next_id("installation")
            installation = Installation(identity, self, account, names, self.world.clock.stamp())
            self.installations.append(installation)
            self.world.account(account)
            self.world.tell(Happening("installation", "created", installation, account, only=self))
            return installation.id

    def jwt(self) -> str:
        """A JWT for the next minutes, as the App itself would sign it."""
        now = int(self.world.clock.now())
        return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": str(self.id)}, self.private_key, "RS256")

    def token(self) -> Token:
        """A token for all that its first installation has, without a request."""
        installation = self.installations[0]
        return self.mint(installation, frozenset(installation.repositories), dict(self.permissions))

    def mint(
        self, installation: Installation, repositories: frozenset[str], permissions: dict[str, str]
    ) -> Token:
        return self.world.add_token(
            Token(
                token_value(self.id),
                self,
                installation.id,
                repositories,
                permissions,
                self.world.clock.now() + TOKEN_LIFETIME,
                meter=installation.meter,
            )
        )

    def installation_on(self, repository: str) -> Installation | None:
        return next((found for found in self.installations if repository.lower() in found.repositories), None)


def token_value(app_id: int) -> str:
    """Like those of 2026: the App's id, then something of variable length that is made like a JWT."""
    parts = (secrets.token_urlsafe(20 + secrets.randbelow(60)) for _ in range(3))
    return f"ghs_{app_id}_{'.'.join(parts)}"
