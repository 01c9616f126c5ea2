"""Which token goes with a call: the one that was given, or one minted for a GitHub App, narrowed and renewed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from automation.github.answers import understood
from automation.github.clock import GitHubClock
from automation.github.errors import GitHubRefuses

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

    clock: GitHubClock
    """GitHub's, by which tokens expire."""

    async def current(self, repository: str, as_app: AsApp) -> str:
        """A token that is still good, as far as is known."""

    def renew(self) -> bool:
        """The current token was refused; whether another one can be had."""


@dataclass
class GivenToken:
    """A token that cannot be renewed: a job's, or one that somebody else minted."""

    value: str = field(repr=False)
    clock: GitHubClock = field(default_factory=GitHubClock, repr=False)

    async def current(self, repository: str, as_app: AsApp) -> str:  # noqa: ARG002
        return self.value

    def renew(self) -> bool:
        return False


@dataclass
class AppTokens:
    """Installation tokens of a GitHub App, for one repository and no more permissions than are needed.

    Attributes:
        app_id: its number or its client id; app_number: the number, 0 until the first token has been minted.
        wanted: level by permission; of these a token gets what the installation has.
        installation: its id where it is known already, with all that is wanted granted; 0 to ask for it.

    Source: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    app_id: str
    private_key: str = field(repr=False)
    app_number: int = 0
    wanted: Mapping[str, str] = field(default_factory=lambda: WANTED)
    installation: int = 0
    clock: GitHubClock = field(default_factory=GitHubClock, repr=False)
    _minted: str = field(default="", repr=False)
    _expires: float = 0

    async def current(self, repository: str, as_app: AsApp) -> str:
        if not self._minted or self.clock.now() > self._expires - EXPIRES_SOON:
            await self._mint(repository, as_app)
        return self._minted

    def renew(self) -> bool:
        renewable = self._expires > 0
        self._expires = 0
        return renewable

    async def _mint(self, repository: str, as_app: AsApp) -> None:
        if self.installation:
            try:
                await self._mint_for(repository, self.installation, self.wanted, as_app)
            except GitHubRefuses as error:
                # Not everything that is wanted is granted, or the App was installed anew: ask what there is.
                if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}:
                    raise
            else:
                return
        try:
            installation = await as_app("GET", f"/repos/{repository}/installation", None)
        except GitHubRefuses as error:
            raise GitHubRefuses(
                f"the GitHub App {self.app_id} cannot be used for {repository}: {error.sentence}; "
                "check app-id and private-key, and that the App is installed there",
                status=error.status,
            ) from None
        with understood("the minting of a token"):
            granted = installation.get("permissions", {})
            permissions = {
                name: level for name, level in self.wanted.items() if granted.get(name) in {level, "write"}
            }
            self.app_number = int(installation.get("app_id") or 0)
            number = int(installation["id"])
        await self._mint_for(repository, number, permissions, as_app)

    async def _mint_for(
        self, repository: str, installation: int, permissions: Mapping[str, str], as_app: AsApp
    ) -> None:
        answer = await as_app(
            "POST",
            f"/app/installations/{installation}/access_tokens",
            {"repositories": [repository.split("/", 1)[1]], "permissions": dict(permissions)},
        )
        with understood("the minting of a token"):
            self._minted = str(answer["token"])
            self._expires = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
