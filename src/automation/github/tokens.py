"""Which token goes with a call: the one that was given, or one minted for a GitHub App, narrowed and renewed."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from automation.github.errors import GitHubRefuses, GitHubUnavailable

WANTED: Mapping[str, str] = {
    "checks": "write",
    "actions": "read",
    "contents": "read",
    "pull_requests": "read",
}
EXPIRES_SOON = 300.0

type AsApp = Callable[[str, str, Any], Awaitable[Any]]
"""Sends (method, path, body) as the App itself and gives the answer's JSON."""


class Tokens(Protocol):
    """Where a client's token comes from."""

    async def current(self, repository: str, as_app: AsApp) -> str:
        """A token that is still good, as far as is known."""

    def renew(self) -> bool:
        """The current token was refused; whether another one can be had."""


@dataclass
class GivenToken:
    """A token that cannot be renewed: a job's, or one that somebody else minted."""

    value: str = field(repr=False)

    async def current(self, repository: str, as_app: AsApp) -> str:  # noqa: ARG002
        return self.value

    def renew(self) -> bool:
        return False


@dataclass
class AppTokens:
    """Installation tokens of a GitHub App, for one repository and no more permissions than are needed.

    Attributes:
        app_id: its number or its client id; app_number: the number, 0 until the first token has been minted.

    Source: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    app_id: str
    private_key: str = field(repr=False)
    app_number: int = 0
    _minted: str = field(default="", repr=False)
    _expires: float = 0

    async def current(self, repository: str, as_app: AsApp) -> str:
        if not self._minted or time.time() > self._expires - EXPIRES_SOON:
            await self._mint(repository, as_app)
        return self._minted

    def renew(self) -> bool:
        renewable = self._expires > 0
        self._expires = 0
        return renewable

    async def _mint(self, repository: str, as_app: AsApp) -> None:
        try:
            installation = await as_app("GET", f"/repos/{repository}/installation", None)
        except GitHubRefuses as error:
            raise GitHubRefuses(
                f"the GitHub App {self.app_id} cannot be used for {repository}: {error.sentence}; "
                "check app-id and private-key, and that the App is installed there",
                status=error.status,
            ) from None
        try:
            granted = installation.get("permissions", {})
            permissions = {
                name: level for name, level in WANTED.items() if granted.get(name) in {level, "write"}
            }
            answer = await as_app(
                "POST",
                f"/app/installations/{int(installation['id'])}/access_tokens",
                {"repositories": [repository.split("/", 1)[1]], "permissions": permissions},
            )
            self.app_number = int(installation.get("app_id") or 0)
            self._minted = str(answer["token"])
            self._expires = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
            raise GitHubUnavailable("GitHub's answer to the minting of a token is not of its form") from None
