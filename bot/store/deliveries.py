"""The rows of deliveries: what GitHub has sent, each once, and what of it asks for something."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, select

from bot.store.column import fit, packed
from bot.store.database import Database, insert
from bot.store.requests import RequestState
from bot.store.schema import deliveries, requests

LARGEST = 2**63 - 1
TURN = "deliveries"
"""Of several replicas with the same delivery, one has it first."""


@dataclass(frozen=True)
class Delivery:
    """One webhook delivery.

    Attributes:
        guid: its `X-GitHub-Delivery`, which a redelivery has too.
        event: its `X-GitHub-Event`; action: the payload's, empty for none.
        repository: full name, empty for none; installation: 0 for none.
        sender: login of who caused it, empty for nobody.
        lane: key of the queue in which requests are handled one by one, in order of arrival.
        received_at: Unix time in seconds.
        payload: JSON; kept only if it asks for something.
        is_request: it does.
    """

    guid: str
    event: str
    action: str
    repository: str
    installation: int
    sender: str
    lane: str
    received_at: float
    payload: bytes
    is_request: bool

    @property
    def row(self) -> dict[str, object]:
        return {
            "guid": self.guid,
            "event": self.event,
            "action": fit(self.action),
            "repository": fit(self.repository),
            "installation": self.installation if 0 <= self.installation <= LARGEST else 0,
            "received_at": self.received_at,
        }

    @property
    def request_row(self) -> dict[str, object]:
        return {
            "delivery": self.guid,
            "event": self.event,
            "repository": fit(self.repository),
            "sender": fit(self.sender),
            "lane": fit(self.lane),
            "payload": packed(self.payload),
            "state": RequestState.PENDING,
            "tries": 0,
            "due_at": self.received_at,
            "note": "",
            "received_at": self.received_at,
        }


class DeliveryRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, arrived: Sequence[Delivery]) -> frozenset[str]:
        """Remember deliveries and the requests in them: all that are new, or none.

        Returns:
            The GUIDs of those that are new.

        Raises:
            DatabaseUnavailable: nothing has been written.
        """
        rows = {each.guid: each.row for each in arrived}
        asking = {each.guid: each.request_row for each in arrived if each.is_request}
        async with self._database.writing(TURN) as connection:
            known = await self.known(tuple(rows))
            new = [row for guid, row in rows.items() if guid not in known]
            if new:
                await connection.execute(insert(deliveries), new)
            if wanted := [row for guid, row in asking.items() if guid not in known]:
                await connection.execute(insert(requests), wanted)
        return frozenset(rows.keys() - known)

    async def known(self, guids: Sequence[str]) -> frozenset[str]:
        """Those of these GUIDs that have been taken in; at most some hundred at once."""
        return frozenset(await self.received(guids))

    async def received(self, guids: Sequence[str]) -> dict[str, float]:
        """The same, with the Unix time at which each was received, or sent if it was taken in later."""
        looking = select(deliveries.c.guid, deliveries.c.received_at).where(deliveries.c.guid.in_(guids))
        async with self._database.reading() as connection:
            return {row.guid: row.received_at for row in await connection.execute(looking)}

    async def prune(self, before: float, limit: int = 500) -> int:
        """Forget what was received before a Unix time and asks for nothing any more.

        GitHub can deliver again for 3 days, an Enterprise server for 7: what is younger has to be remembered.

        Args:
            limit: most at once, so that others get their turn; who gets as many back calls again.

        Returns:
            How many were forgotten.

        Source: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
        """
        asks = exists().where(requests.c.delivery == deliveries.c.guid)
        old = select(deliveries.c.guid).where(deliveries.c.received_at < before, ~asks).limit(limit)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(deliveries).where(deliveries.c.guid.in_(old)))).rowcount
