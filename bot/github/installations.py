"""A client for each repository, with tokens that are good for that one and for no more than the bot does there.

Clients are kept while they are in use often: each has a connection and a token, minted for the installation that
the event named. All of an installation go through one gate: GitHub counts them together. The permissions are those that the App's manifest asks for.

Source: https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from automation.github import AppTokens, GitHub
from automation.github.lane import Lane
from bot.github.lanes import APART, Lanes
from bot.metrics import Metrics

WANTED: Final[Mapping[str, str]] = {"checks": "write", "contents": "read", "pull_requests": "write"}
"""What a token is minted for."""
MOST: Final = 100
APP: Final = 0
"""Stands for the App itself, which GitHub counts apart from its installations."""


@dataclass
class Installations:
    """The repositories that the App is installed on.

    Attributes:
        apart: see `Lanes`.
    """

    api_url: str
    app_id: int
    private_key: str = field(repr=False)
    metrics: Metrics = field(default_factory=Metrics)
    apart: float = APART
    _gates: dict[int, Lanes] = field(default_factory=dict)
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
            gate=self.gate(installation),
        )
        self._clients[key] = client
        while len(self._clients) > MOST:
            # Whoever still uses it keeps it: closing only gives up a connection that is made again.
            self._clients.popitem(last=False)[1].close()
        return client

    def gate(self, installation: int) -> Lanes:
        """What its requests go through, of all of its repositories; `APP` for the App's own."""
        gate = self._gates.get(installation)
        if gate is None:
            if len(self._gates) >= MOST:
                self._forget_idle_gates()
            gate = self._gates[installation] = Lanes(self._sends, self.apart)
        return gate

    def remaining(self) -> dict[int, int]:
        """Requests that are left by installation, of those whose window goes on."""
        now = time.monotonic()
        budgets = {number: gate.budget for number, gate in self._gates.items()}
        return {
            number: each.remaining for number, each in budgets.items() if each.limit and now < each.resets_at
        }

    def close(self) -> None:
        while self._clients:
            self._clients.popitem()[1].close()

    def _sends(self, lane: Lane) -> None:
        self.metrics.github_requests.labels(lane.value).inc()

    def _forget_idle_gates(self) -> None:
        """Those of which nothing is known that would still count, and that no client has."""
        now, used = time.monotonic(), {client.gate for client in self._clients.values()}
        for number, gate in list(self._gates.items()):
            if gate.is_idle and gate not in used and not gate.budget.counts(now):
                del self._gates[number]
