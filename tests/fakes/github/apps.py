"""GitHub Apps, where they are installed, and the tokens that act for them."""

import functools
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.fakes.github.clock import Clock

# The App that every GITHUB_TOKEN acts as.
ACTIONS_APP_ID = 15368
ACTIONS_APP_SLUG = "github-actions"
LEVELS = ("none", "read", "write", "admin")
TOKEN_LIFETIME = 3600
INSTALLATION_LIMIT = 5000
JOB_LIMIT = 1000


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
        limit: requests an hour.
    """

    value: str
    app: "App"
    installation_id: int
    repositories: frozenset[str]
    permissions: dict[str, str]
    expires_at: float
    requests_left: int | None = None
    run_id: int | None = None
    limit: int = INSTALLATION_LIMIT
    used: int = 0
    reset_at: float = 0.0
    is_ended: bool = False
    is_refused: bool = False

    @property
    def is_job_token(self) -> bool:
        return self.app.id == ACTIONS_APP_ID

    def expire(self) -> None:
        """From now on: 401 Bad credentials."""
        self.is_ended = True

    def refuse(self) -> None:
        """From now on nothing is permitted to it: 403 Resource not accessible by integration."""
        self.is_refused = True

    def is_valid(self, now: float) -> bool:
        return not self.is_ended and now < self.expires_at and self.requests_left != 0

    def count(self, now: float) -> None:
        """One more request with it."""
        if self.requests_left:
            self.requests_left -= 1
        if now >= self.reset_at:
            self.used, self.reset_at = 0, now + 3600
        self.used += 1


@dataclass
class Installation:
    id: int
    app: "App"
    account: str
    repositories: set[str]
    created_at: str
    is_suspended: bool = False


@dataclass
class App:
    """A GitHub App.

    Attributes:
        tokens: every token of this GitHub by its value; minting adds one.
        private_key: PEM; empty for an App that nobody acts as by JWT.
    """

    id: int
    slug: str
    owner: str
    permissions: dict[str, str]
    clock: Clock = field(repr=False)
    created_at: str
    tokens: dict[str, Token] = field(repr=False)
    private_key: str = field(default="", repr=False)
    events: list[str] = field(default_factory=list)
    installations: list[Installation] = field(default_factory=list)

    @property
    def client_id(self) -> str:
        """What a JWT may name as `iss` instead of the id."""
        return f"Iv23li{self.id}"

    def install(self, *repositories: str) -> int:
        """Installs it on repositories of one account; returns the installation's id."""
        account, names = one_owner(repositories)
        for installation in self.installations:
            if installation.account.lower() == account.lower():
                installation.repositories |= names
                return installation.id
        installation = Installation(
            50_000_000 + self.id * 100 + len(self.installations), self, account, names, self.clock.stamp()
        )
        self.installations.append(installation)
        return installation.id

    def jwt(self) -> str:
        """A JWT for the next minutes, as the App itself would sign it."""
        now = int(self.clock.now())
        return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": str(self.id)}, self.private_key, "RS256")

    def token(self) -> Token:
        """A token for all that its first installation has, without a request."""
        installation = self.installations[0]
        return self.mint(installation, frozenset(installation.repositories), dict(self.permissions))

    def mint(
        self, installation: Installation, repositories: frozenset[str], permissions: dict[str, str]
    ) -> Token:
        token = Token(
            token_value(self.id),
            self,
            installation.id,
            repositories,
            permissions,
            self.clock.now() + TOKEN_LIFETIME,
        )
        self.tokens[token.value] = token
        return token

    def installation_on(self, repository: str) -> Installation | None:
        return next((found for found in self.installations if repository.lower() in found.repositories), None)


def one_owner(repositories: Iterable[str]) -> tuple[str, set[str]]:
    """The account and the lower-case full names of repositories.

    Raises:
        ValueError: none, or of several accounts.
    """
    names = list(repositories)
    owners = {name.partition("/")[0].lower() for name in names}
    if len(owners) != 1:
        raise ValueError(f"an installation is on repositories of one account, not {names}")
    return names[0].partition("/")[0], {name.lower() for name in names}


def token_value(app_id: int) -> str:
    """Like those of 2026: the App's id, then something of variable length that is made like a JWT."""
    parts = (secrets.token_urlsafe(20 + secrets.randbelow(60)) for _ in range(3))
    return f"ghs_{app_id}_{'.'.join(parts)}"
