"""All tables of one database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from bot.store.comments import CommentRows, ReplyRows
from bot.store.database import Database
from bot.store.deeds import DeedRows
from bot.store.definitions import DefinitionRows
from bot.store.deliveries import DeliveryRows
from bot.store.facts import Facts
from bot.store.outputs import OutputRows
from bot.store.replicas import ReplicaRows
from bot.store.requests import RequestRows
from bot.store.run_lists import RunLists
from bot.store.runs import RunRows
from bot.store.secrets import SecretRows


@dataclass
class Store:
    """What one bot remembers."""

    database: Database

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["Store"]:
        """The store, for as long as the context lasts.

        Raises:
            Misconfigured: the database cannot be used, or another process uses it.
        """
        async with Database.open(url) as database:
            yield cls(database)

    @cached_property
    def runs(self) -> RunRows:
        return RunRows(self.database)

    @cached_property
    def outputs(self) -> OutputRows:
        return OutputRows(self.database)

    @cached_property
    def run_lists(self) -> RunLists:
        return RunLists(self.database)

    @cached_property
    def requests(self) -> RequestRows:
        return RequestRows(self.database)

    @cached_property
    def comments(self) -> CommentRows:
        return CommentRows(self.database)

    @cached_property
    def replies(self) -> ReplyRows:
        return ReplyRows(self.database)

    @cached_property
    def definitions(self) -> DefinitionRows:
        return DefinitionRows(self.database)

    @cached_property
    def facts(self) -> Facts:
        return Facts(self.database)

    @cached_property
    def deeds(self) -> DeedRows:
        return DeedRows(self.database)

    @cached_property
    def replicas(self) -> ReplicaRows:
        return ReplicaRows(self.database)

    @cached_property
    def deliveries(self) -> DeliveryRows:
        return DeliveryRows(self.database)

    @cached_property
    def secrets(self) -> SecretRows:
        return SecretRows(self.database)
