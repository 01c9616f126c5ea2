"""Several bots as one: replicas on one PostgreSQL, with a balancer before them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from tests.balancer import Balancer
from tests.bot_process import SECRET, BotProcess
from tests.postgresql import PostgreSQL
from tests.server_process import free_port
from tests.stories.bot.conftest import Begin, Demo

MORE = {"BOT_DELIVERIES_SECONDS": "2"}
"""What was sent to a replica that dies is taken in soon."""


@dataclass
class Fleet:
    """A demo whose bot is several.

    Attributes:
        url: of the database; address: the one that replicas have.
        alive: replicas that run.
    """

    demo: Demo
    cluster: PostgreSQL
    url: str
    address: str
    balancer: Balancer
    alive: list[BotProcess]
    _made: int = 0

    async def add(self) -> BotProcess:
        """One more replica, in the place of the balancer's that nobody has."""
        self._made += 1
        taken = {bot.port for bot in self.alive}
        port = next(port for port in self.balancer.ports if port not in taken)
        first = self.demo.bot
        more = first.more | {"BOT_PUBLIC_URL": self.balancer.url}
        more["BOT_DATABASE_URL"] = self.address
        bot = replace(first, home=first.home.with_name(f"bot-{self._made}"), port=port, more=more)
        bot._process = None
        await bot.start()
        self.alive.append(bot)
        return bot

    def kill(self, bot: BotProcess) -> None:
        """For good."""
        bot.kill()
        self.alive.remove(bot)

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the database says."""
        name = self.url.rpartition("/")[2]
        return self.cluster.ask(statement, *values, database=name)

    def driver(self, run: str) -> str:
        """Which replica drives a run."""
        [[found]] = self.ask("SELECT driver FROM runs WHERE id = %s", run)
        return str(found)

    def duties(self) -> dict[str, str]:
        """Which replica has which."""
        return {str(name): str(replica) for name, replica in self.ask("SELECT name, replica FROM duties")}

    def bot_of(self, replica: str) -> BotProcess:
        """The process of a replica."""
        return next(bot for bot in self.alive if bot.replica == replica)


@asynccontextmanager
async def fleet(
    begin: Begin,
    cluster: PostgreSQL,
    size: int = 3,
    more: Mapping[str, str] = MORE,
    way: int | None = None,
    module: str = "bot",
) -> AsyncIterator[Fleet]:
    """A fleet of so many replicas, with more settings.

    Args:
        way: the port by which they come to the database, for another one than its own.
        module: what is started, in place of the bot as it is.
    """
    async with AsyncExitStack() as stack:
        url = stack.enter_context(cluster.database())
        ports = [free_port() for _ in range(size)]
        balancer = await stack.enter_async_context(Balancer(ports).open(free_port()))
        address = url.replace(f":{cluster.port}/", f":{way or cluster.port}/")
        demo = await begin(starts=False, BOT_DATABASE_URL=address, **more)
        demo.bot.module = module
        made = Fleet(demo, cluster, url, address, balancer, [])
        demo.app.hook(f"{balancer.url}/webhook", SECRET)
        try:
            for _ in range(size):
                await made.add()
            # Whoever looks into the database does so directly.
            demo.bot.more["BOT_DATABASE_URL"] = url
            yield made
        finally:
            for bot in made.alive:
                bot.end()
