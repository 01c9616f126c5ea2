"""A client for each repository, with tokens that are good for that one and for no more than the bot does there.

Clients are kept while they are in use often: each has a connection and a token, minted for the installation that
the event named. The permissions are those that the App's manifest asks for.

Source: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from automation.github import AppTokens, GitHub

WANTED: Final[Mapping[str, str]] = {"checks": "write", "contents": "read", "pull_requests": "write"}
"""What a token is minted for."""
MOST: Final = 100


@dataclass
class Installations:
    """The repositories that the App is installed on."""

    api_url: str
    app_id: int
    private_key: str = field(repr=False)
    _clients: OrderedDict[tuple[str, int], GitHub] = field(default_factory=OrderedDict)

    def client(self, repository: str, installation: int) -> GitHub:
        """The client for a repository; `installation` is the one that an event of it named."""
        key = (repository.casefold(), installation)
        client = self._clients.pop(key, None) or GitHub(
            self.api_url,
            repository,
            AppTokens(
                str(self.app_id),
                self.private_key,
                app_number=self.app_id,
                wanted=WANTED,
                installation=installation,
            ),
        )
        self._clients[key] = client
        while len(self._clients) > MOST:
            # Whoever still uses it keeps it: closing only gives up a connection that is made again.
            self._clients.popitem(last=False)[1].close()
        return client

    def close(self) -> None:
        while self._clients:
            self._clients.popitem()[1].close()
